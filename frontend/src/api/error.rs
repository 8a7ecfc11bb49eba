//! What can go wrong when the service is asked.

use shared::{FieldProblem, Problem, ProblemKind};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq)]
pub enum ApiError {
    /// The service could not be reached.
    Unreachable,
    /// The session is over: sign in again.
    SignedOut,
    /// No user has this address and this password.
    WrongSignIn,
    /// Asked too often; carries for how many seconds to wait.
    TooMany(u32),
    /// The service refused, and says why.
    Refused(Box<Problem>),
    /// The answer was not what the API promises; carries the HTTP status.
    Unreadable(u16),
}

impl ApiError {
    /// What is wrong with the field at a JSON pointer, if the service said so.
    pub fn field(&self, pointer: &str) -> Option<&FieldProblem> {
        let Self::Refused(problem) = self else { return None };
        problem.errors.iter().find(|error| error.pointer == pointer)
    }

    /// Whether the service does not know who asks (401).
    pub fn is_unknown_user(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 401)
    }

    /// Whether the first step of signing in holds no longer (401, 410).
    pub fn is_too_late(&self) -> bool {
        matches!(self, Self::Refused(problem) if matches!(problem.status, 401 | 410))
    }

    /// Whether what was asked for is not there, or not any more (404, 410).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused(problem) if matches!(problem.status, 404 | 410))
    }

    /// Whether the account is suspended.
    pub fn is_suspension(&self) -> bool {
        matches!(self, Self::Refused(problem) if ProblemKind::of(&problem.kind) == Some(ProblemKind::AccountSuspended))
    }

    /// Whether things being as they are does not allow it (409).
    pub fn is_impossible(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 409)
    }

    /// Whether the edit was based on an older state (412).
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 412)
    }
}
