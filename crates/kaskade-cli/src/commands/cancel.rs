//! `kaskade cancel`.

use kaskade_model::status::JobStatus;
use kaskade_rpc::limits;

use super::connection::{self, block_on};
use super::status;
use crate::args::client::JobArgs;
use crate::console::Console;
use crate::error::CliError;

/// Stops a job; one that has ended stays as it is. Prints its status either way.
pub(super) fn cancel(args: &JobArgs, console: &Console) -> Result<(), CliError> {
    let status = block_on(async {
        let mut jobs = connection::jobs(&args.client).await?;
        let reply = jobs.cancel(limits::request(args.id.clone().into())).await?;
        Ok(JobStatus::try_from(reply.into_inner())?)
    })?;
    status::print(&status, console)
}
