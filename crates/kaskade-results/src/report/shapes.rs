//! The plots of traced cascades.

use super::Reported;
use super::axis::Axis;
use super::plots::{class, thinned};
use super::svg::{ACROSS, Canvas, Plot, UP};
use crate::shape::Shape;
use crate::table::figures::{count, figure};

/// How far above the highest value an axis ends.
const HEADROOM: f64 = 1.05;

/// The plots of those of `results` that have traced cascades; of none that has not.
pub(super) fn shapes(results: &[Reported<'_>]) -> Vec<Plot> {
    let shapes = results.iter().filter_map(|result| {
        let shape = result.summary.shape.as_ref()?;
        Some((result.name, shape))
    });
    let shapes: Vec<_> = shapes.collect();
    if shapes.is_empty() { Vec::new() } else { vec![generations(&shapes), virality(&shapes)] }
}

/// Nodes by hops from their seed.
fn generations(shapes: &[(&str, &Shape)]) -> Plot {
    let is_alone = shapes.len() == 1;
    let all = || shapes.iter().flat_map(|(_, shape)| &shape.by_depth);
    let highest = all().map(|of| of.nodes.mean).fold(0.0, f64::max);
    let most = all().map(|of| of.nodes.quantiles.p95 as f64).fold(highest, f64::max);
    let deepest = all().map(|of| f64::from(of.depth)).fold(1.0, f64::max);
    let y = Axis::linear(0.0, HEADROOM * if is_alone { most } else { highest }, UP);
    let x = Axis::linear(0.0, deepest, ACROSS);
    let mut canvas = Canvas::new(x, y, "hops from the seed", "nodes at that many hops");
    let (mut rows, mut description) = (Vec::new(), String::new());
    for (number, (name, shape)) in shapes.iter().enumerate() {
        let by_depth = thinned(&shape.by_depth);
        let at = |value: &dyn Fn(&crate::shape::Generation) -> f64| -> Vec<(f64, f64)> {
            by_depth.iter().map(|of| (f64::from(of.depth), value(of))).collect()
        };
        if is_alone {
            let low = at(&|of| of.nodes.quantiles.p05 as f64);
            canvas.band("s0", &low, &at(&|of| of.nodes.quantiles.p95 as f64));
        }
        canvas.line(class(number), at(&|of| of.nodes.mean));
        if !is_alone {
            canvas.legend(class(number), name);
        }
        description += &format!(
            "{name}: cascades are {} hops deep on average, and {} nodes broad. ",
            figure(shape.depth.mean),
            figure(shape.breadth.mean)
        );
        rows.extend(by_depth.iter().map(|of| {
            let quantiles = of.nodes.quantiles;
            let counts = [quantiles.p05, quantiles.p50, quantiles.p95].map(count);
            let first = [(*name).to_owned(), of.depth.to_string(), figure(of.nodes.mean)];
            first.into_iter().chain(counts).collect()
        }));
    }
    if is_alone {
        canvas.legend("s0", "mean");
        canvas.band_legend("s0", "5 to 95 %");
    }
    let header = ["result", "hops", "mean", "5 %", "median", "95 %"];
    canvas.finish("generations", "How deep and how broad", description, &header, rows)
}

/// Structural virality by size.
fn virality(shapes: &[(&str, &Shape)]) -> Plot {
    let points = |shape: &Shape| -> Vec<(f64, f64)> {
        let of = shape.by_size.iter();
        of.filter_map(|of| Some((of.from as f64, of.mean_virality?))).collect()
    };
    let all: Vec<_> = shapes.iter().flat_map(|(_, shape)| points(shape)).collect();
    let highest = all.iter().map(|(_, virality)| *virality).fold(2.0, f64::max);
    let ends = all.iter().map(|(size, _)| *size);
    let (low, high) =
        ends.fold((f64::MAX, 1.0_f64), |(low, high), size| (low.min(size), high.max(size)));
    let x = Axis::log(low.min(high), high, ACROSS);
    let y = Axis::linear(0.0, HEADROOM * highest, UP);
    let mut canvas =
        Canvas::new(x, y, "nodes of the cascade (log scale)", "mean distance of two of its nodes");
    canvas.level(2.0);
    let mut rows = Vec::new();
    let mut description =
        "Near 2 all heard it from the seed, as in a broadcast; the higher, the more it went from \
         one to the next. "
            .to_owned();
    for (number, (name, shape)) in shapes.iter().enumerate() {
        let points = points(shape);
        // A line needs two points; a class alone is drawn as a dash.
        let ends: Vec<_> = match points[..] {
            [(size, virality)] => vec![(size, virality), (1.9 * size, virality)],
            _ => points,
        };
        canvas.line(class(number), ends);
        if shapes.len() > 1 {
            canvas.legend(class(number), name);
        }
        if let Some(virality) = shape.virality {
            let (mean, kinds) = (figure(virality.mean), shape.kinds);
            description += &format!(
                "{name}: {mean} on average; {} broadcasts, {} viral, {} silent. ",
                count(kinds.broadcast),
                count(kinds.viral),
                count(kinds.silent)
            );
        }
        rows.extend(shape.by_size.iter().map(|of| {
            vec![
                (*name).to_owned(),
                format!("{} to {}", count(of.from), count(of.to)),
                count(of.simulations),
                of.mean_virality.map_or_else(|| "–".to_owned(), figure),
                figure(of.mean_depth),
                figure(of.mean_breadth),
            ]
        }));
    }
    let header = ["result", "nodes", "simulations", "virality", "depth", "breadth"];
    canvas.finish("virality", "Broadcast or viral", description, &header, rows)
}
