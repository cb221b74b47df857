//! The query language of subscriptions and searches.
//!
//! `tag = 'text' AND tag >= 5 AND tag CONTAINS 'x' AND tag EXISTS`, with `TIME` and `DATE`
//! literals. Sources: CometBFT v0.38 `libs/pubsub/query/query.go`, `syntax/parser.go`,
//! `syntax/scanner.go`; error texts are theirs.

mod scanner;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use scanner::{ParseError, Scanner, Token};

/// Attributes by `type.key`, as they travel with a published event.
pub(crate) type EventMap = BTreeMap<String, Vec<String>>;

/// A conjunction of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) conditions: Vec<Condition>,
}

/// One condition on one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) tag: String,
    pub(crate) op: Op,
    pub(crate) arg: Arg,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Exists,
}

/// What a tag is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Arg {
    /// `EXISTS` has none.
    None,
    Text(String),
    /// The literal, such as `5` or `3.14`.
    Number(String),
    /// The literal after `TIME`.
    Time(String),
    /// The literal after `DATE`.
    Date(String),
}

impl Query {
    /// Parses `text`.
    pub(crate) fn parse(text: &str) -> Result<Query, ParseError> {
        let mut scanner = Scanner::new(text);
        let mut conditions = vec![condition(&mut scanner)?];
        loop {
            match scanner.next() {
                Err(ParseError::Eof) => return Ok(Query { conditions }),
                Ok(Token::And) => conditions.push(condition(&mut scanner)?),
                other => {
                    let got = other.as_ref().map_or("invalid token", Token::label);
                    return Err(ParseError::other(format!(
                        "offset {}: got {got}, want AND operator",
                        scanner.position()
                    )));
                }
            }
        }
    }

    /// Whether a published event matches: each condition by some attribute.
    pub(crate) fn matches(&self, events: &EventMap) -> bool {
        !events.is_empty() && self.conditions.iter().all(|condition| condition.matches_any(events))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, condition) in self.conditions.iter().enumerate() {
            let and = if i == 0 { "" } else { " AND " };
            write!(f, "{and}{} {}", condition.tag, condition.op)?;
            match &condition.arg {
                Arg::None => Ok(()),
                Arg::Text(text) => write!(f, " '{text}'"),
                Arg::Number(text) => write!(f, " {text}"),
                Arg::Time(text) => write!(f, " TIME {text}"),
                Arg::Date(text) => write!(f, " DATE {text}"),
            }?;
        }
        Ok(())
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Equal => "=",
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
            Op::Contains => "CONTAINS",
            Op::Exists => "EXISTS",
        })
    }
}

impl Condition {
    fn matches_any(&self, events: &EventMap) -> bool {
        if let Some(values) = events.get(&self.tag) {
            return values.iter().any(|value| self.matches(value));
        }
        // A tag that is exactly an event's type matches as an empty value.
        events.keys().any(|tag| tag.rsplit_once('.').is_some_and(|(kind, _)| kind == self.tag))
            && self.matches("")
    }

    /// Whether an attribute's value satisfies the condition, as subscriptions compare.
    pub(crate) fn matches(&self, value: &str) -> bool {
        match (&self.arg, self.op) {
            (Arg::None, _) => true,
            (Arg::Text(text), Op::Contains) => value.contains(text.as_str()),
            (Arg::Text(text), _) => value == text,
            (Arg::Number(number), op) => {
                let digits = leading_number(value);
                !digits.is_empty() && op.accepts(compare_numbers(digits, number))
            }
            (Arg::Time(text), op) => {
                let parse = |text: &str| text.parse::<jiff::Timestamp>().ok();
                parse(value).zip(parse(text)).is_some_and(|(a, b)| op.accepts(a.cmp(&b)))
            }
            (Arg::Date(text), op) => {
                let parse = |text: &str| text.parse::<jiff::civil::Date>().ok();
                parse(value).zip(parse(text)).is_some_and(|(a, b)| op.accepts(a.cmp(&b)))
            }
        }
    }
}

impl Op {
    /// Whether `value <op> argument` holds for this order of the two.
    pub(crate) fn accepts(self, order: Ordering) -> bool {
        match self {
            Op::Equal => order.is_eq(),
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Greater => order.is_gt(),
            Op::GreaterOrEqual => order.is_ge(),
            Op::Contains | Op::Exists => false,
        }
    }
}

/// `tag OP argument`.
fn condition(scanner: &mut Scanner<'_>) -> Result<Condition, ParseError> {
    let tag = match require(scanner, "tag", |token| matches!(token, Token::Tag(_)))? {
        Token::Tag(tag) => tag,
        _ => unreachable!("only tags are accepted"),
    };
    let op = require(
        scanner,
        "<= operator, >= operator, < operator, > operator, = operator, CONTAINS operator or EXISTS operator",
        |token| matches!(token, Token::Op(_)),
    )?;
    let Token::Op(op) = op else { unreachable!("only operators are accepted") };
    let ordered = |token: &Token| {
        matches!(token, Token::Argument(Arg::Number(_) | Arg::Time(_) | Arg::Date(_)))
    };
    let text = |token: &Token| matches!(token, Token::Argument(Arg::Text(_)));
    let argument = match op {
        Op::Exists => return Ok(Condition { tag, op, arg: Arg::None }),
        Op::Contains => require(scanner, "string", text)?,
        Op::Equal => require(scanner, "number, timestamp, datestamp or string", |token| {
            ordered(token) || text(token)
        })?,
        _ => require(scanner, "number, timestamp or datestamp", ordered)?,
    };
    let Token::Argument(arg) = argument else { unreachable!("only arguments are accepted") };
    Ok(Condition { tag, op, arg })
}

fn require(
    scanner: &mut Scanner<'_>,
    wanted: &str,
    accepts: impl Fn(&Token) -> bool,
) -> Result<Token, ParseError> {
    match scanner.next() {
        Ok(token) if accepts(&token) => Ok(token),
        Ok(token) => Err(ParseError::other(format!(
            "offset {}: got {}, wanted {wanted}",
            scanner.position(),
            token.label()
        ))),
        Err(error) => Err(ParseError::other(format!("offset {}: {error}", scanner.position()))),
    }
}

/// The number a value starts with: `5` of `5ngonka`. Amounts of coins are searched this way.
fn leading_number(value: &str) -> &str {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(value);
    if whole == 0 {
        return "";
    }
    match value[whole..].strip_prefix('.').map_or(0, digits) {
        0 => &value[..whole],
        fraction => &value[..whole + 1 + fraction],
    }
}

/// Compares two unsigned decimal literals of any length.
pub(crate) fn compare_numbers(a: &str, b: &str) -> Ordering {
    let split = |text| {
        let (whole, fraction) = str::split_once(text, '.').unwrap_or((text, ""));
        (whole.trim_start_matches('0'), fraction.trim_end_matches('0'))
    };
    let ((a, a_fraction), (b, b_fraction)) = (split(a), split(b));
    // Without leading zeros the longer is the larger; fractions compare as text.
    a.len().cmp(&b.len()).then_with(|| a.cmp(b)).then_with(|| a_fraction.cmp(b_fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> EventMap {
        EventMap::from([
            ("tm.event".to_owned(), vec!["NewBlock".to_owned()]),
            ("transfer.amount".to_owned(), vec!["5ngonka".to_owned(), "12".to_owned()]),
            ("model.id".to_owned(), vec!["Qwen/Qwen3".to_owned()]),
        ])
    }

    #[test]
    fn conditions_match_any_value_of_their_tag() {
        for (query, expected) in [
            ("tm.event='NewBlock'", true),
            ("tm.event = 'NewBlock' AND model.id EXISTS", true),
            ("tm.event='Tx'", false),
            ("transfer.amount > 11", true),
            ("transfer.amount > 12", false),
            ("transfer.amount >= 12", true),
            ("transfer.amount < 5.5", true),
            ("transfer.amount = 5", true),
            ("model.id CONTAINS 'Qwen3'", true),
            ("model.id CONTAINS 'qwen'", false),
            ("model EXISTS", true),
            ("mod EXISTS", false),
            ("model.id > 1", false),
        ] {
            assert_eq!(Query::parse(query).unwrap().matches(&events()), expected, "{query}");
        }
        assert!(!Query::parse("a EXISTS").unwrap().matches(&EventMap::new()));
    }

    #[test]
    fn queries_print_in_one_form() {
        let query = Query::parse("a.b='x'  AND c>=5 AND d EXISTS AND e CONTAINS 'y'").unwrap();
        assert_eq!(query.to_string(), "a.b = 'x' AND c >= 5 AND d EXISTS AND e CONTAINS 'y'");
    }

    #[test]
    fn errors_are_those_of_a_real_node() {
        for (query, error) in [
            ("", "offset 0: EOF"),
            ("bad", "offset 3: EOF"),
            ("a=='", "offset 2: got = operator, wanted number, timestamp, datestamp or string"),
            ("a='x", "offset 2: EOF"),
            ("a='x' OR b=1", "offset 6: got tag, want AND operator"),
            ("a > 'x'", "offset 4: got string, wanted number, timestamp or datestamp"),
            ("a CONTAINS 5", "offset 11: got number, wanted string"),
            ("'x'=5", "offset 0: got string, wanted tag"),
            ("a=\"x\"", "offset 2: invalid input \" at offset 3"),
        ] {
            assert_eq!(Query::parse(query).unwrap_err().to_string(), error, "{query}");
        }
    }

    #[test]
    fn numbers_of_any_size_compare_exactly() {
        for (a, b, order) in [
            ("9", "10", Ordering::Less),
            ("010", "10", Ordering::Equal),
            ("123456789012345678901234567890", "123456789012345678901234567891", Ordering::Less),
            ("1.50", "1.5", Ordering::Equal),
            ("1.25", "1.3", Ordering::Less),
            ("0", "0.0", Ordering::Equal),
        ] {
            assert_eq!(compare_numbers(a, b), order, "{a} {b}");
        }
    }
}
