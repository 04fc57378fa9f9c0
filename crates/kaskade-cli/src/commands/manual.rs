//! `kaskade completions` and `kaskade man`: what shells and `man` are told of the grammar.

use std::io;

use clap::Command;
use clap_mangen::Man;

use crate::args::tools::CompletionsArgs;
use crate::console::Console;
use crate::error::CliError;

/// Prints the completion script of a shell.
pub(super) fn completions(
    args: &CompletionsArgs,
    mut grammar: Command,
    console: &Console,
) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut grammar, "kaskade", &mut script);
    console.data(&String::from_utf8_lossy(&script))
}

/// Prints the pages of all commands, one after another, as `man -l -` reads them.
pub(super) fn pages(grammar: &Command, console: &Console) -> Result<(), CliError> {
    let mut grammar = grammar.clone().disable_help_subcommand(true);
    grammar.build();
    let mut pages = Vec::new();
    render(&grammar, &mut pages)
        .map_err(|source| CliError::WriteFile { path: "stdout".into(), source })?;
    console.data(&String::from_utf8_lossy(&pages))
}

fn render(command: &Command, pages: &mut Vec<u8>) -> io::Result<()> {
    // A page is titled with all words that call it: kaskade-graph-build.
    let title = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    Man::new(command.clone().name(title)).render(pages)?;
    command.get_subcommands().try_for_each(|subcommand| render(subcommand, pages))
}
