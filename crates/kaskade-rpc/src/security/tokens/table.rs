//! The table of tokens as a file has it: a line a token.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

use super::{Holder, Refusal, Token};
use crate::security::{Role, SecurityError};

/// What the file begins with.
const HEADER: &str = "# kaskade tokens, version 1: id, user, role, expiry (seconds since 1970), blake3 of the token\n";

/// A token as a server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The holder, 1 to 64 letters, digits and `._@-`.
    pub user: String,
    /// What it may do.
    pub role: Role,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
    hash: blake3::Hash,
}

impl TokenRow {
    /// The row of `token`; `None` when `user` is no name.
    #[must_use]
    pub fn new(token: &Token, user: &str, role: Role, expires: u64) -> Option<Self> {
        let hash = blake3::hash(token.expose().as_bytes());
        is_user(user).then(|| Self { user: user.to_owned(), role, expires, hash })
    }

    /// What the token is called, for whom it is no secret.
    #[must_use]
    pub fn id(&self) -> String {
        self.hash.to_hex()[..8].to_owned()
    }

    /// The row as a line, with its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let Self { user, role, expires, hash } = self;
        format!("{} {user} {role} {expires} {hash}\n", self.id())
    }
}

impl FromStr for TokenRow {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[id, user, role, expires, hash] = columns.as_slice() else {
            return Err(format!("has {} columns, must have 5", columns.len()));
        };
        if !is_user(user) {
            return Err(format!("{user:?} is no user: use letters, digits and ._@-, at most 64"));
        }
        let row = Self {
            user: user.to_owned(),
            role: role
                .parse()
                .map_err(|error: crate::security::role::UnknownRole| error.to_string())?,
            expires: expires.parse().map_err(|_| format!("{expires:?} is no time"))?,
            hash: blake3::Hash::from_hex(hash).map_err(|_| "the hash is none".to_owned())?,
        };
        if row.id() == id { Ok(row) } else { Err("the id is not that of the hash".to_owned()) }
    }
}

fn is_user(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// All tokens that a server takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenTable {
    /// A row a token.
    pub rows: Vec<TokenRow>,
}

impl TokenTable {
    /// Reads the `text` of the file at `path`.
    ///
    /// # Errors
    /// [`SecurityError::TokenLine`] names the first line that is none.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SecurityError> {
        let mut rows = Vec::new();
        for (line, row) in (1..).zip(text.lines()) {
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            let flaw = |reason| SecurityError::TokenLine { path: path.to_owned(), line, reason };
            rows.push(row.parse().map_err(flaw)?);
        }
        Ok(Self { rows })
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        for row in &self.rows {
            text.write_str(&row.to_line()).expect("a string takes any text");
        }
        text
    }

    /// Whose token `presented` is. Every row is compared, each in constant time.
    pub(crate) fn holder(&self, presented: &str, seconds: u64) -> Result<Holder, Refusal> {
        let hash = blake3::hash(presented.as_bytes());
        let mut found = None;
        for row in &self.rows {
            if row.hash == hash {
                found = Some(row);
            }
        }
        match found {
            None => Err(Refusal::Unknown),
            Some(row) if row.expires <= seconds => Err(Refusal::Expired),
            Some(row) => Ok(Holder { user: row.user.clone(), role: row.role }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_read_back_and_know_their_tokens() {
        let (ann, bob) = (Token::new([1; 32]), Token::new([2; 32]));
        let row = |token, user, role, expires| TokenRow::new(token, user, role, expires).unwrap();
        let table = TokenTable {
            rows: vec![row(&ann, "ann", Role::Submitter, 100), row(&bob, "b.o@b", Role::Worker, 7)],
        };
        let text = table.to_text();
        assert!(!text.contains(&ann.expose()[8..]), "a table holds no secret: {text}");
        assert_eq!(TokenTable::parse(Path::new("t"), &text).unwrap(), table);

        let holder = table.holder(ann.expose(), 99).unwrap();
        assert_eq!((holder.user.as_str(), holder.role), ("ann", Role::Submitter));
        assert_eq!(table.holder(ann.expose(), 100), Err(Refusal::Expired));
        assert_eq!(table.holder("kaskade_", 0), Err(Refusal::Unknown));
        assert_eq!(TokenRow::new(&ann, "a b", Role::Viewer, 1), None);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let good = TokenRow::new(&Token::new([1; 32]), "ann", Role::Admin, 5).unwrap().to_line();
        for (from, to, reason) in [
            ("admin", "root", "no role"),
            ("ann", "a\u{1b}nn", "no user"),
            (" 5 ", " soon ", "no time"),
            (" 5 ", " ", "4 columns"),
            (&good[..8], "00000000", "not that of the hash"),
        ] {
            let text = format!("# tokens\n\n{}", good.replacen(from, to, 1));
            let error = TokenTable::parse(Path::new("t"), &text).unwrap_err().to_string();
            assert!(error.starts_with("t:3: ") && error.contains(reason), "{error}");
        }
    }
}
