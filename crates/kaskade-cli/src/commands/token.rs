//! `kaskade token`: who may call what of a coordinator.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use kaskade_rpc::security::secret;
use kaskade_rpc::security::tokens::{Token, TokenRow, TokenTable};
use serde::Serialize;

use crate::args::security::{TokenCreateArgs, TokenListArgs, TokenRevokeArgs};
use crate::clock::{Moment, days};
use crate::console::Console;
use crate::error::CliError;

/// Makes a token, adds it to the table, and gives it to whoever is to have it.
pub(super) fn create(args: &TokenCreateArgs, console: &Console) -> Result<(), CliError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(CliError::NoRandomness)?;
    let token = Token::new(random);
    let expires = Moment::now().later(days(args.days));
    let row = TokenRow::new(&token, &args.user, args.role, expires.seconds());
    let Some(row) = row else {
        let reason =
            format!("{:?} is no name of a user: use 1 to 64 letters, digits and ._@-", args.user);
        return Err(CliError::Flag { flag: "--user".to_owned(), reason });
    };
    match secret::create(&args.table, &TokenTable::default().to_text()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(CliError::write_file(&args.table)(error));
        }
        _ => {}
    }
    read(&args.table)?;
    // The holder's file first: one that cannot be written is no token.
    if let Some(out) = &args.out {
        let text = format!("{}\n", token.expose());
        secret::create(out, &text).map_err(CliError::write_file(out))?;
    }
    append(&args.table, &row).map_err(CliError::write_file(&args.table))?;
    let shown = Shown::of(&row);
    match &args.out {
        Some(out) => console.result(&shown, || {
            format!("wrote token {} of {} to {}\n", shown.id, shown.user, out.display())
        }),
        None => {
            let created = Created { token: token.expose(), row: shown };
            console.result(&created, || format!("{}\n", created.token))?;
            console.note("this is the only time that the token is shown");
            Ok(())
        }
    }
}

/// Lists the tokens of a table.
pub(super) fn list(args: &TokenListArgs, console: &Console) -> Result<(), CliError> {
    let table = read(&args.table)?;
    let tokens: Vec<Shown> = table.rows.iter().map(Shown::of).collect();
    let listing = Listing { tokens };
    console.result(&listing, || {
        let mut text = String::new();
        for Shown { id, user, role, expires } in &listing.tokens {
            writeln!(text, "{id}  {role:<9}  {expires}  {user}").expect("a string takes any text");
        }
        text
    })
}

/// Removes a token from a table.
pub(super) fn revoke(args: &TokenRevokeArgs, console: &Console) -> Result<(), CliError> {
    let mut table = read(&args.table)?;
    let Some(idx) = table.rows.iter().position(|row| row.id() == args.id) else {
        return Err(CliError::NoSuchToken { table: args.table.clone(), id: args.id.clone() });
    };
    let revoked = table.rows.remove(idx);
    let written = secret::replace(&args.table, &table.to_text());
    written.map_err(CliError::write_file(&args.table))?;
    let shown = Shown::of(&revoked);
    console.result(&shown, || format!("revoked token {} of {}\n", shown.id, shown.user))
}

fn read(path: &Path) -> Result<TokenTable, CliError> {
    Ok(TokenTable::parse(path, &secret::read(path)?)?)
}

/// Adds `row` in one write, so that a server that reads now sees all of it or nothing.
fn append(path: &Path, row: &TokenRow) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(row.to_line().as_bytes())?;
    file.sync_all()
}

/// A token without its secret.
#[derive(Debug, Serialize)]
struct Shown {
    id: String,
    user: String,
    role: &'static str,
    expires: String,
}

impl Shown {
    fn of(row: &TokenRow) -> Self {
        let expires = Moment::from_seconds(row.expires as f64).to_rfc3339();
        Self { id: row.id(), user: row.user.clone(), role: row.role.as_str(), expires }
    }
}

#[derive(Debug, Serialize)]
struct Listing {
    tokens: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Created<'a> {
    token: &'a str,
    #[serde(flatten)]
    row: Shown,
}
