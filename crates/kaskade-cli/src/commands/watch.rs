//! `kaskade watch`.

use super::connection::block_on;
use super::follow::{ending, follow};
use super::status;
use crate::args::client::JobArgs;
use crate::console::Console;
use crate::error::CliError;

/// Follows a job to its end and prints its status; ends as the job did.
pub(super) fn watch(args: &JobArgs, console: &Console) -> Result<(), CliError> {
    let status = block_on(follow(&args.client, &args.id, console))?;
    status::print(&status, console)?;
    ending(&status)
}
