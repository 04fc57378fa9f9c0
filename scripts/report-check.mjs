// The check of scripts/report-check.sh, which installs what it needs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [out, ...pages] = process.argv.slice(2);

// What is wrong with the drawing of each plot, and how many there are.
function plots() {
  const flaws = [];
  const all = [...document.querySelectorAll("figure svg.plot")];
  for (const plot of all) {
    const name = plot.querySelector("title")?.textContent ?? "(no title)";
    const box = plot.getBoundingClientRect();
    if (box.width < 200 || box.height < 100) flaws.push(`${name}: drawn ${box.width} x ${box.height}`);
    if (!plot.querySelector("desc")?.textContent) flaws.push(`${name}: no description`);
    const marks = [...plot.querySelectorAll("path.line, path.band, rect.cell, circle.dot")];
    const isSeen = (mark) => {
      const { width, height } = mark.getBoundingClientRect();
      return width + height > 0;
    };
    if (!marks.some(isSeen)) flaws.push(`${name}: no mark is seen`);
    if (/NaN|Infinity|undefined/.test(plot.outerHTML)) flaws.push(`${name}: a number is none`);
    const names = [...plot.querySelectorAll("text")];
    for (const text of names) {
      const at = text.getBoundingClientRect();
      const isOut = at.left < box.left - 1 || at.right > box.right + 1;
      if (isOut) flaws.push(`${name}: "${text.textContent}" leaves the drawing`);
    }
  }
  const isWide = document.documentElement.scrollWidth > window.innerWidth;
  if (isWide) flaws.push(`${document.documentElement.scrollWidth} px wide in ${window.innerWidth}`);
  return { count: all.length, figures: document.querySelectorAll("figure").length, flaws };
}

// Whether Tab reaches every part that scrolls or opens.
async function tabbed(page) {
  const wanted = await page.evaluate(
    () => document.querySelectorAll("summary, .scroll, pre[tabindex]").length,
  );
  const reached = new Set();
  for (let n = 0; n < 4 * wanted + 4; n++) {
    await page.keyboard.press("Tab");
    reached.add(
      await page.evaluate(() => {
        const all = [...document.querySelectorAll("summary, .scroll, pre[tabindex]")];
        return all.indexOf(document.activeElement);
      }),
    );
  }
  reached.delete(-1);
  return { wanted, reached: reached.size };
}

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu"],
});
let failed = 0;
let passed = 0;
for (const file of pages) {
  const stem = `${path.basename(path.dirname(file))}-${path.basename(file, ".html")}`;
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      const page = await browser.newPage();
      const flaws = [];
      page.on("console", (message) => flaws.push(`console: ${message.text()}`));
      page.on("pageerror", (error) => flaws.push(`error: ${error.message}`));
      page.on("request", (request) => {
        const isItself = request.isNavigationRequest() || request.url().startsWith("data:");
        if (!isItself) flaws.push(`request: ${request.url()}`);
      });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.setViewport({ width, height: 900 });
      await page.goto(pathToFileURL(file).href, { waitUntil: "networkidle0" });
      const seen = await page.evaluate(plots);
      flaws.push(...seen.flaws);
      if (seen.count === 0 || seen.count !== seen.figures) {
        flaws.push(`${seen.count} plots in ${seen.figures} figures`);
      }
      await page.screenshot({ path: path.join(out, `${stem}-${width}-${scheme}.png`), fullPage: true });
      const { wanted, reached } = await tabbed(page);
      // What is in a closed part is reached once it is opened.
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
      const opened = await tabbed(page);
      if (opened.reached !== opened.wanted) {
        flaws.push(`Tab reaches ${opened.reached} of ${opened.wanted} parts`);
      }
      // The page lets no script in; the checker comes through the debugger, after all else.
      await page.setBypassCSP(true);
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run());
      for (const violation of found.violations) {
        flaws.push(`axe ${violation.impact} ${violation.id}: ${violation.nodes[0].html.slice(0, 120)}`);
      }
      const verdict = flaws.length === 0 ? "passed" : "FAILED";
      console.log(
        `${verdict}  ${stem}  ${width} px ${scheme}: ${seen.count} plots, ${found.passes.length} axe rules, ` +
          `${reached} of ${wanted} parts by Tab when closed, ${opened.reached} of ${opened.wanted} when open`,
      );
      flaws.forEach((flaw) => console.log(`    ${flaw}`));
      if (flaws.length === 0) passed += 1;
      else failed += 1;
      await page.close();
    }
  }
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
