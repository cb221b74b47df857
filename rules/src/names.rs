//! Names that come from the chain: kept byte for byte, cheap to clone, never trusted in output.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[schema(value_type = String)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text exactly as the chain has it. Escape it wherever it is shown.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// A host: the bech32 text of a participant's account address (`gonka1…`).
    Address
}

name! {
    /// A model id, case-sensitive, any UTF-8. The chain orders models by these bytes.
    ModelId
}

/// Why a text is no host address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// Not bech32 at all, or its checksum is wrong.
    #[error("{0:?} is not a bech32 address: {1}")]
    NotBech32(String, String),
    /// A good address of another chain or of another kind.
    #[error("{address:?} has the prefix {found:?}, expected {expected:?}")]
    Prefix {
        /// The text that was given.
        address: String,
        /// Its prefix.
        found: String,
        /// The prefix that is wanted.
        expected: String,
    },
}

impl Address {
    /// Checks a text that a person typed: bech32 with the prefix of account addresses.
    ///
    /// # Errors
    /// [`AddressError`] names what is wrong with it.
    pub fn parse(text: &str, prefix: &str) -> Result<Self, AddressError> {
        let (found, _) = bech32::decode(text)
            .map_err(|e| AddressError::NotBech32(text.to_owned(), e.to_string()))?;
        if found.as_str() != prefix {
            return Err(AddressError::Prefix {
                address: text.to_owned(),
                found: found.to_string(),
                expected: prefix.to_owned(),
            });
        }
        Ok(Self::from(text))
    }

    /// Where the text lies in memory: equal only for clones of one address, which share it.
    pub(crate) fn place_of_text(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// The bytes behind the address. Guardians are listed as `gonkavaloper1…` and equal a host
    /// exactly when these bytes do.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        bech32::decode(&self.0).ok().map(|(_, bytes)| bytes)
    }
}
