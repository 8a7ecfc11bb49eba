//! Methods (RFC 9110 section 9): HEAD wherever GET is, and 405 with `Allow` where only the method is wrong or made up.

use crate::service::Error;
use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::{Bytes, Data},
};
use std::{
    collections::BTreeSet,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use utoipa::openapi::OpenApi;

/// Which methods each path of the API has, from its document.
pub struct Routes {
    /// By the path's template.
    methods: Vec<(String, Vec<&'static str>)>,
    /// Templates whose HEAD is another operation than GET without its body.
    own_head: Vec<String>,
}

impl Routes {
    /// The routes of a document.
    pub fn of(document: &OpenApi) -> Self {
        let routes = document.paths.paths.iter().map(|(template, item)| {
            let methods = [
                ("DELETE", &item.delete),
                ("GET", &item.get),
                ("HEAD", if item.head.is_some() { &item.head } else { &item.get }),
                ("OPTIONS", &item.options),
                ("PATCH", &item.patch),
                ("POST", &item.post),
                ("PUT", &item.put),
            ];
            let methods = methods.into_iter().filter(|(_, operation)| operation.is_some());
            (template.clone(), methods.map(|(name, _)| name).collect())
        });
        let own_head = document.paths.paths.iter().filter(|(_, item)| item.head.is_some());
        let own_head = own_head.map(|(template, _)| template.clone()).collect();
        Self { methods: routes.collect(), own_head }
    }

    fn has_own_head(&self, path: &str) -> bool {
        self.own_head.iter().any(|template| fits(template, path))
    }

    /// What a path may be asked with; nothing when there is no such path.
    fn allowed(&self, path: &str) -> BTreeSet<&'static str> {
        let fitting = self.methods.iter().filter(|(template, _)| fits(template, path));
        fitting.flat_map(|(_, methods)| methods.iter().copied()).collect()
    }
}

/// Whether a path is one of the template `/things/{id}`.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name == part || (name.starts_with('{') && !part.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Answers whatever no route of the API takes.
///
/// # Errors
/// [`Error::MethodNotAllowed`] where another method would do, else [`Error::NotFound`].
pub async fn unrouted(request: HttpRequest) -> Result<HttpResponse, Error> {
    Err(refusal(&request))
}

fn refusal(request: &HttpRequest) -> Error {
    let allowed = request.app_data::<Data<Routes>>().map(|routes| routes.allowed(request.path())).unwrap_or_default();
    if allowed.is_empty() {
        return Error::NotFound;
    }
    let allow = allowed.into_iter().collect::<Vec<_>>().join(", ");
    Error::MethodNotAllowed { allow }
}

/// Middleware: refuses methods that are not defined. HTTP takes any name for one, and each would stay for ever among the
/// figures for monitoring, which are kept by method.
pub async fn defined<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if is_defined(request.method()) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let error = match refusal(request.request()) {
        // What is outside of the API can only be read.
        Error::NotFound if !request.path().starts_with("/api/") => {
            Error::MethodNotAllowed { allow: "GET, HEAD".to_owned() }
        }
        error => error,
    };
    Ok(request.error_response(error).map_into_right_body())
}

/// Whether a method is one of RFC 9110 or RFC 5789.
fn is_defined(method: &Method) -> bool {
    matches!(
        *method,
        Method::CONNECT
            | Method::DELETE
            | Method::GET
            | Method::HEAD
            | Method::OPTIONS
            | Method::PATCH
            | Method::POST
            | Method::PUT
            | Method::TRACE
    )
}

/// Answers for the API where there is none, in a process for jobs only.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn nothing_here() -> Result<HttpResponse, Error> {
    Err(Error::NotFound)
}

/// Middleware: answers HEAD as GET, without the body, where HEAD is no operation of its own.
pub async fn head<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Unsent>>, actix_web::Error> {
    let own = |request: &ServiceRequest| {
        request.app_data::<Data<Routes>>().is_some_and(|routes| routes.has_own_head(request.path()))
    };
    if request.method() != Method::HEAD || own(&request) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    request.head_mut().method = Method::GET;
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| Unsent(body.size())).map_into_right_body())
}

/// A body of which only the size is told.
pub struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_the_methods_of_every_template_that_fits_it() {
        let methods = vec![
            ("/things".to_owned(), vec!["GET", "HEAD"]),
            ("/things/{id}".to_owned(), vec!["PATCH"]),
            ("/things/all".to_owned(), vec!["DELETE"]),
        ];
        let routes = Routes { methods, own_head: vec!["/things/{id}".to_owned()] };
        let allowed = |path| routes.allowed(path).into_iter().collect::<Vec<_>>();
        assert_eq!(allowed("/things"), ["GET", "HEAD"]);
        assert_eq!(allowed("/things/1"), ["PATCH"]);
        assert_eq!(allowed("/things/all"), ["DELETE", "PATCH"]);
        assert!(allowed("/things/").is_empty());
        assert!(allowed("/things/1/2").is_empty());
        assert!(routes.has_own_head("/things/1") && !routes.has_own_head("/things"));
    }
}
