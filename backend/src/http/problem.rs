//! Errors become RFC 9457 problem details.

use crate::service::Error;
use actix_web::{
    HttpMessage, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
};
use shared::{Problem, ProblemKind, problem::MEDIA_TYPE};
use tracing_actix_web::RequestId;

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::NotInPlan { .. } | Self::Suspended | Self::DownloadsDisabled => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(..) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Gone(..) => StatusCode::GONE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::TusVersion => StatusCode::PRECONDITION_FAILED,
            // The tus protocol's own, which has no name in HTTP.
            Self::ChecksumMismatch => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        respond(self, None)
    }
}

/// The kind of each error, and its title.
fn kind(error: &Error) -> (ProblemKind, &'static str) {
    match error {
        Error::Unauthorized => (ProblemKind::Unauthorized, "Not signed in"),
        Error::Forbidden(_) => (ProblemKind::Forbidden, "Not allowed"),
        Error::NotInPlan { .. } => (ProblemKind::NotInPlan, "The plan does not include this"),
        Error::Suspended => (ProblemKind::AccountSuspended, "The account is suspended"),
        Error::DownloadsDisabled => (ProblemKind::DownloadsDisabled, "Downloads are not enabled"),
        Error::NotFound => (ProblemKind::NotFound, "Not found"),
        Error::MethodNotAllowed { .. } => (ProblemKind::MethodNotAllowed, "Wrong method"),
        Error::Malformed(_) => (ProblemKind::Malformed, "Unreadable request"),
        Error::UnsupportedMediaType(_) => (ProblemKind::UnsupportedMediaType, "Media type not understood"),
        Error::Invalid(_) => (ProblemKind::Validation, "Not valid"),
        Error::Conflict(..) => (ProblemKind::Conflict, "Conflict"),
        Error::PreconditionFailed(_) => (ProblemKind::PreconditionFailed, "Changed by somebody else"),
        Error::PreconditionRequired => (ProblemKind::PreconditionRequired, "If-Match is missing"),
        Error::Gone(..) => (ProblemKind::Gone, "No longer there"),
        Error::TooLarge(_) => (ProblemKind::TooLarge, "Too large"),
        Error::TooMany { .. } => (ProblemKind::TooManyRequests, "Too many requests"),
        Error::Unavailable(_) => (ProblemKind::Unavailable, "Not available"),
        Error::StorageFull(_) => (ProblemKind::StorageFull, "Disk full"),
        Error::TusVersion => (ProblemKind::TusVersion, "Another version of tus"),
        Error::ChecksumMismatch => (ProblemKind::ChecksumMismatch, "Wrong checksum"),
        Error::Internal(_) => (ProblemKind::Internal, "Internal error"),
    }
}

fn respond(error: &Error, request_id: Option<String>) -> HttpResponse {
    let (kind, title) = kind(error);
    let status = error.status_code();
    let (detail, errors) = match error {
        Error::Internal(_) => ("something failed inside the service; its log says what".to_owned(), vec![]),
        Error::Unavailable(_) => ("the database does not answer: try again in a moment".to_owned(), vec![]),
        Error::StorageFull(_) => {
            ("the service's disk is full: nothing was changed; whoever runs it must make room".to_owned(), vec![])
        }
        Error::Invalid(errors) => (describe(errors), errors.clone()),
        other => (other.to_string(), vec![]),
    };
    let mut response = HttpResponse::build(status);
    match error {
        Error::Unauthorized => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        Error::Unavailable(_) => {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        Error::MethodNotAllowed { allow } => {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        Error::TooMany { retry_after } => {
            response.insert_header((header::RETRY_AFTER, retry_after.to_string()));
        }
        _ => {}
    }
    response.content_type(MEDIA_TYPE).json(Problem {
        kind: kind.as_str().to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        detail,
        code: match error {
            Error::Conflict(code, _) | Error::Gone(code, _) => Some(*code),
            _ => None,
        },
        errors,
        request_id,
    })
}

/// Says the first wrong field in words, for people who read only the detail.
fn describe(errors: &[shared::FieldProblem]) -> String {
    match errors {
        [] => "some fields are not valid".to_owned(),
        [only] => format!("{}: {}", only.pointer, only.detail),
        [first, rest @ ..] => format!("{}: {} (and {} more)", first.pointer, first.detail, rest.len()),
    }
}

/// Middleware: gives problems the id of their request, sends that id with every response and logs internal errors.
pub async fn complete<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<actix_web::body::EitherBody<B>>, actix_web::Error> {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let response = next.call(request).await?;
    let problem = response.response().error().and_then(|error| error.as_error::<Error>()).map(|error| {
        if error.status_code().is_server_error() {
            tracing::error!(%error, "a request failed");
        }
        respond(error, id.clone())
    });
    let mut response = match problem {
        Some(problem) => {
            let (request, old) = response.into_parts();
            let cookies: Vec<_> = old.headers().get_all(header::SET_COOKIE).cloned().collect();
            let mut new = problem;
            for cookie in cookies {
                new.headers_mut().append(header::SET_COOKIE, cookie);
            }
            ServiceResponse::new(request, new).map_into_right_body()
        }
        None => response.map_into_left_body(),
    };
    if let Some(id) = id.and_then(|id| header::HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(header::HeaderName::from_static("x-request-id"), id);
    }
    Ok(response)
}
