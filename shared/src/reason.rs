//! Error reasons (PRODUCT section 3).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Why an address failed, or why it is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The domain does not exist or takes no mail.
    UnknownHost,
    /// The mailbox does not exist.
    UnknownUser,
    /// The retry time ended without an answer that was final.
    ResendTimeout,
    /// The recipient's side refuses this mailbox.
    ReceptionRejected,
    /// The address is written wrongly.
    AddressFormat,
    /// A send that was refused because of this list. Never counts.
    BlockedAddress,
    /// The sender's fault or unclear. Never counts.
    Other,
    /// Came by upload or API, without an error.
    Registered,
}

impl Reason {
    /// Every reason, in the table's order: the first whose condition passes names the block.
    pub const ALL: [Self; 8] = [
        Self::UnknownHost,
        Self::UnknownUser,
        Self::ResendTimeout,
        Self::ReceptionRejected,
        Self::AddressFormat,
        Self::BlockedAddress,
        Self::Other,
        Self::Registered,
    ];

    /// The reasons that count and can have a blocking condition, in the table's order.
    pub const COUNTED: [Self; 5] =
        [Self::UnknownHost, Self::UnknownUser, Self::ResendTimeout, Self::ReceptionRejected, Self::AddressFormat];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::UnknownUser => "unknown_user",
            Self::ResendTimeout => "resend_timeout",
            Self::ReceptionRejected => "reception_rejected",
            Self::AddressFormat => "address_format",
            Self::BlockedAddress => "blocked_address",
            Self::Other => "other",
            Self::Registered => "registered",
        }
    }

    /// Whether errors with this reason can lead to a block.
    pub const fn is_counted(self) -> bool {
        self.default_frequency().is_some()
    }

    /// The manual's threshold, in errors; `None` where the reason never counts.
    pub const fn default_frequency(self) -> Option<u32> {
        match self {
            Self::UnknownHost | Self::UnknownUser | Self::AddressFormat => Some(1),
            Self::ResendTimeout => Some(3),
            Self::ReceptionRejected => Some(10),
            Self::BlockedAddress | Self::Other | Self::Registered => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no error reason")]
pub struct UnknownReason(pub String);

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| UnknownReason(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_equal_the_wire() {
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{reason}\""));
        }
        assert!("unknown".parse::<Reason>().is_err());
    }

    #[test]
    fn exactly_the_counted_reasons_have_a_default() {
        let with_default: Vec<_> = Reason::ALL.into_iter().filter(|r| r.is_counted()).collect();
        assert_eq!(with_default, Reason::COUNTED);
    }
}
