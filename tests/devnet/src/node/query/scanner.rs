//! The tokens of the query language.

use super::{Arg, Op};

/// Why a query cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// The text ended; in Go this is `io.EOF`.
    #[error("EOF")]
    Eof,
    #[error("{0}")]
    Other(String),
}

impl ParseError {
    pub(super) fn other(message: String) -> ParseError {
        ParseError::Other(message)
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Tag(String),
    And,
    Op(Op),
    Argument(Arg),
}

impl Token {
    /// Its name in error messages.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Token::Tag(_) => "tag",
            Token::And => "AND operator",
            Token::Op(Op::Equal) => "= operator",
            Token::Op(Op::Less) => "< operator",
            Token::Op(Op::LessOrEqual) => "<= operator",
            Token::Op(Op::Greater) => "> operator",
            Token::Op(Op::GreaterOrEqual) => ">= operator",
            Token::Op(Op::Contains) => "CONTAINS operator",
            Token::Op(Op::Exists) => "EXISTS operator",
            Token::Argument(Arg::Text(_)) => "string",
            Token::Argument(Arg::Number(_)) => "number",
            Token::Argument(Arg::Time(_)) => "timestamp",
            Token::Argument(Arg::Date(_)) => "datestamp",
            Token::Argument(Arg::None) => "invalid token",
        }
    }
}

/// Reads tokens from the text of a query.
pub(super) struct Scanner<'a> {
    text: &'a str,
    /// Where the current token starts, in bytes.
    start: usize,
    /// Where reading goes on, in bytes.
    end: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, start: 0, end: 0 }
    }

    /// The offset of the current token.
    pub(super) fn position(&self) -> usize {
        self.start
    }

    pub(super) fn next(&mut self) -> Result<Token, ParseError> {
        self.take_while(char::is_whitespace);
        self.start = self.end;
        let first = self.peek().ok_or(ParseError::Eof)?;
        if first.is_ascii_digit() {
            return Ok(Token::Argument(Arg::Number(self.number())));
        }
        if first == '_' || first.is_alphabetic() || first.is_numeric() {
            return self.word();
        }
        self.bump(first);
        match first {
            '\'' => self.string(),
            '=' => Ok(Token::Op(Op::Equal)),
            '<' if self.take_equals() => Ok(Token::Op(Op::LessOrEqual)),
            '<' => Ok(Token::Op(Op::Less)),
            '>' if self.take_equals() => Ok(Token::Op(Op::GreaterOrEqual)),
            '>' => Ok(Token::Op(Op::Greater)),
            other => {
                Err(ParseError::Other(format!("invalid input {other} at offset {}", self.end)))
            }
        }
    }

    fn number(&mut self) -> String {
        let from = self.end;
        self.take_while(|c| c.is_ascii_digit());
        if self.peek() == Some('.') {
            self.bump('.');
            self.take_while(|c| c.is_ascii_digit());
        }
        self.text[from..self.end].to_owned()
    }

    fn string(&mut self) -> Result<Token, ParseError> {
        let from = self.end;
        self.take_while(|c| c != '\'');
        let text = self.text[from..self.end].to_owned();
        self.peek().ok_or(ParseError::Eof)?;
        self.bump('\'');
        Ok(Token::Argument(Arg::Text(text)))
    }

    fn word(&mut self) -> Result<Token, ParseError> {
        let word = self
            .take_while(|c| matches!(c, '.' | '_' | '-') || c.is_alphabetic() || c.is_numeric());
        let spaced = self.peek() == Some(' ');
        match word {
            "TIME" if spaced => self.literal("TIME", |text| {
                text.parse::<jiff::Timestamp>().is_ok().then(|| Arg::Time(text.to_owned()))
            }),
            "DATE" if spaced => self.literal("DATE", |text| {
                text.parse::<jiff::civil::Date>().is_ok().then(|| Arg::Date(text.to_owned()))
            }),
            "AND" => Ok(Token::And),
            "EXISTS" => Ok(Token::Op(Op::Exists)),
            "CONTAINS" => Ok(Token::Op(Op::Contains)),
            tag => Ok(Token::Tag(tag.to_owned())),
        }
    }

    /// The literal after `TIME` or `DATE`.
    fn literal(
        &mut self,
        kind: &str,
        parse: impl Fn(&str) -> Option<Arg>,
    ) -> Result<Token, ParseError> {
        self.bump(' ');
        let text = self.take_while(|c| c.is_ascii_digit() || "-T:+Z".contains(c));
        parse(text)
            .map(Token::Argument)
            .ok_or_else(|| ParseError::Other(format!("invalid {kind} value: {text}")))
    }

    fn take_equals(&mut self) -> bool {
        let equals = self.peek() == Some('=');
        if equals {
            self.bump('=');
        }
        equals
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let from = self.end;
        while let Some(c) = self.peek().filter(|c| accepts(*c)) {
            self.bump(c);
        }
        &self.text[from..self.end]
    }

    fn peek(&self) -> Option<char> {
        self.text[self.end..].chars().next()
    }

    fn bump(&mut self, c: char) {
        self.end += c.len_utf8();
    }
}
