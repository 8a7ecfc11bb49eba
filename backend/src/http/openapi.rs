//! The OpenAPI document: made of the real routes, completed with what holds for all of them.

use actix_web::{HttpResponse, get};
use shared::{Problem, csv::Language, list::ListSort, page::Direction, problem::MEDIA_TYPE};
use std::sync::LazyLock;
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        Components, ContentBuilder, HeaderBuilder, OpenApi as Document, Ref, RefOr, Required, Response,
        ResponseBuilder,
        path::{Operation, ParameterBuilder, ParameterIn, PathItem},
        schema::Schema,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::AppExt;

/// When a body takes too long.
const TOO_SLOW: &str = "The body came too slowly";

/// Title and version of the document, and the schemas that only query parameters name.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stoplist",
        description = "Stops e-mail to addresses that keep failing. Errors are RFC 9457 problem details; lists use cursors; \
                   edits use ETag and If-Match. Wherever GET is, HEAD is too; a method that a path does not have gets \
                   the response MethodNotAllowed.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Direction, Language, ListSort))
)]
pub struct Base;

/// The whole document, without a running server.
pub fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
        let (_, document) = actix_web::App::new()
            .into_utoipa_app()
            .openapi(Base::openapi())
            .service(utoipa_actix_web::scope("/api/v1").configure(super::api))
            .split_for_parts();
        complete(document)
    });
    &DOCUMENT
}

/// The document, for programs and for the docs page.
#[get("/api/v1/openapi.json")]
pub async fn served() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

/// Adds the sign-in scheme and the problems that the extractors, guards and path look-ups of a route can answer with.
pub fn complete(mut document: Document) -> Document {
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token of POST /api/v1/sessions, or an API token"))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut schemas: Vec<(String, RefOr<Schema>)> =
        vec![(Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema())];
    <Problem as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let mut not_allowed = problem("The path does not have this method");
    declare_header(&mut not_allowed, "Allow", String::schema(), "The methods that it has");
    components.responses.insert("MethodNotAllowed".to_owned(), not_allowed);
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten() {
            accept_idempotency_key(operation);
        }
        for operation in operations(item) {
            add_common_problems(operation);
        }
    }
    document
}

/// `http::idempotency`, which holds for every signed-in request that changes something.
fn accept_idempotency_key(operation: &mut Operation) {
    if operation.security.is_none() {
        return;
    }
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("A random text; a repetition with it within 24 hours is not carried out again"))
        .schema(Some(String::schema()))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
    for (status, description) in [
        ("408", TOO_SLOW),
        (
            "409",
            "Being carried out, or repeated and not answered again: the answer held a secret, or the rights have changed",
        ),
        ("413", "Body too large"),
        ("422", "The key is not valid"),
    ] {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch, &mut item.head, &mut item.options]
        .into_iter()
        .flatten()
}

fn add_common_problems(operation: &mut Operation) {
    let mut problems = vec![
        ("429", "Too many requests, or too much open at the same time"),
        ("500", "Something failed inside the service"),
        ("503", "The database does not answer"),
        ("507", "The service's disk is full; nothing was changed"),
    ];
    if operation.security.is_some() {
        problems.push(("401", "Not signed in"));
        problems.push(("403", "Not allowed"));
    }
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    });
    let mut has_query = false;
    for parameter in parameters {
        match parameter.parameter_in {
            ParameterIn::Path => problems.push(("404", "Not there, or of another account")),
            ParameterIn::Query => has_query = true,
            _ => {}
        }
    }
    let body = operation.request_body.is_some();
    if body {
        problems.push(("400", "Unreadable body"));
        problems.push(("408", TOO_SLOW));
        problems.push(("413", "Body too large"));
        problems.push(("415", "Media type not understood"));
    }
    if body || has_query {
        problems.push(("422", "Fields are not valid; the problem names them"));
    }
    for (status, description) in problems {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(description));
    }
    for status in ["429", "503"] {
        if let Some(response) = operation.responses.responses.get_mut(status) {
            declare_header(response, "Retry-After", u32::schema(), "After how many seconds to come back");
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(Required::True);
    }
}

fn declare_header(response: &mut RefOr<Response>, name: &str, schema: RefOr<Schema>, description: &str) {
    if let RefOr::T(response) = response {
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description));
        response.headers.insert(name.to_owned(), header.build().into());
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new().description(description).content(MEDIA_TYPE, content).build().into()
}
