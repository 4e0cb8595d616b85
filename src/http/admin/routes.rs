//! The routes of the admin API: each reads its request, calls one verb, answers its JSON.

use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::extract::{BODY_BYTES_MAX, Body, Path, Query};
use super::{Admin, ApiError};
use crate::clock::Timestamp;
use crate::incident::{
    Actor, AuditEvent, AuditHead, DispositionKind, Grant, GrantId, IncidentId, Reason,
    State as IncidentState, TicketId, TicketState,
};
use crate::secret::{Fingerprint, Secret};
use crate::service::inventory::{self, NewSecret};
use crate::service::triage::{GrantWish, TriageError};
use crate::store::{
    Cursor, IncidentFilter, IncidentView, KnownSecret, Listing, Page, PushFilter, PushView,
    StoreError, TicketFilter, TicketView, UnscannedFilter, UnscannedView,
};

type Answer<T> = Result<Json<T>, ApiError>;

/// Returns all routes.
pub(super) fn router() -> Router<Admin> {
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/incidents", get(incidents))
        .route("/v1/incidents/{id}", get(incident))
        .route("/v1/incidents/{id}/dismiss", post(dismiss))
        .route("/v1/incidents/{id}/reopen", post(reopen))
        .route("/v1/tickets", get(tickets))
        .route("/v1/tickets/{id}", get(ticket))
        .route("/v1/tickets/{id}/close", post(close_ticket))
        .route("/v1/grants", get(grants).post(create_grant))
        .route("/v1/grants/{id}/revoke", post(revoke_grant))
        .route("/v1/inventory", get(known).post(add_known))
        .route("/v1/inventory/remove", post(remove_known))
        .route("/v1/pushes", get(pushes))
        .route("/v1/unscanned", get(unscanned))
        .route("/v1/audit", get(audit))
        .route("/v1/audit/verify", get(verify_audit))
        .route("/v1/canaries", post(issue_canary))
        .fallback(|| async { ApiError::no_route() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Runs `verb` off the async runtime: everything in the store blocks.
async fn blocking<T, E>(
    admin: Admin,
    verb: impl FnOnce(&Admin) -> Result<T, E> + Send + 'static,
) -> Answer<T>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(move || verb(&admin)).await;
    let answer = done.map_err(|_| ApiError::lost())?;
    answer.map(Json).map_err(Into::into)
}

/// Which page of a list is wanted.
#[derive(Deserialize)]
struct PageQuery {
    after: Option<String>,
    limit: Option<u32>,
}

impl PageQuery {
    fn page(&self) -> Result<Page, ApiError> {
        let after = self.after.as_deref().map(Cursor::parse).transpose()?;
        let limit = self.limit.unwrap_or(Page::LIMIT_DEFAULT);
        Ok(Page { after, ..Page::first(limit) })
    }
}

/// Refuses a state that nothing is ever in: a mistyped one would look like an empty list.
fn check_state(wanted: Option<&str>, states: &[&str]) -> Result<(), ApiError> {
    match wanted.filter(|wanted| !states.contains(wanted)) {
        Some(wanted) => {
            let states = states.join(", ");
            Err(ApiError::invalid(format!("there is no state `{wanted}`, only {states}")))
        }
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct Health {
    version: &'static str,
    now: Timestamp,
}

async fn health(State(admin): State<Admin>) -> Answer<Health> {
    blocking(admin, |admin| {
        let now = admin.triage.clock.now();
        admin.store.health(now).map(|()| Health { version: env!("CARGO_PKG_VERSION"), now })
    })
    .await
}

#[derive(Deserialize)]
struct IncidentQuery {
    state: Option<String>,
    repository: Option<String>,
    owner: Option<String>,
    rule: Option<String>,
    fingerprint: Option<String>,
    unowned: Option<bool>,
}

async fn incidents(
    State(admin): State<Admin>,
    Query(query): Query<IncidentQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<IncidentView>> {
    let page = page.page()?;
    check_state(query.state.as_deref(), &IncidentState::WORDS)?;
    let fingerprint = query.fingerprint.as_deref().map(Fingerprint::parse).transpose();
    let IncidentQuery { state, repository, owner, rule, unowned, .. } = query;
    let filter = IncidentFilter {
        state,
        repository,
        owner,
        rule,
        fingerprint: fingerprint.map_err(|error| ApiError::invalid(error.to_string()))?,
        unowned,
    };
    blocking(admin, move |admin| admin.store.incidents(&filter, &page)).await
}

async fn incident(State(admin): State<Admin>, Path(id): Path<String>) -> Answer<IncidentView> {
    let id = IncidentId::parse(&id)?;
    blocking(admin, move |admin| admin.store.incident(id)).await
}

#[derive(Deserialize)]
struct Dismissal {
    r#as: String,
    reason: String,
}

async fn dismiss(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<Dismissal>,
) -> Answer<IncidentView> {
    let id = IncidentId::parse(&id)?;
    let kind = DispositionKind::parse(&body.r#as)
        .ok_or_else(|| ApiError::invalid("dismiss as false-positive or as test-value"))?;
    let reason = Reason::parse(&body.reason)?;
    blocking(admin, move |admin| {
        let learning = admin.inventory.begin_learning();
        let dismissed = admin.triage.dismiss(id, kind, &reason, &actor)?;
        learning.end([])?;
        Ok::<_, TriageError>(dismissed)
    })
    .await
}

#[derive(Deserialize)]
struct ReasonBody {
    reason: String,
}

async fn reopen(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<ReasonBody>,
) -> Answer<IncidentView> {
    let (id, reason) = (IncidentId::parse(&id)?, Reason::parse(&body.reason)?);
    blocking(admin, move |admin| {
        let learning = admin.inventory.begin_learning();
        let reopened = admin.store.reopen(id, &reason, &actor, admin.triage.clock.now())?;
        // Since it was dismissed, the filter may have forgotten its value.
        learning.end_anew()?;
        Ok::<_, StoreError>(reopened)
    })
    .await
}

#[derive(Deserialize)]
struct TicketQuery {
    state: Option<String>,
    owner: Option<String>,
}

async fn tickets(
    State(admin): State<Admin>,
    Query(query): Query<TicketQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<TicketView>> {
    let page = page.page()?;
    check_state(query.state.as_deref(), &TicketState::WORDS)?;
    let filter = TicketFilter { state: query.state, owner: query.owner };
    blocking(admin, move |admin| admin.store.tickets(&filter, &page)).await
}

async fn ticket(State(admin): State<Admin>, Path(id): Path<String>) -> Answer<TicketView> {
    let id = TicketId::parse(&id)?;
    blocking(admin, move |admin| admin.store.ticket(id)).await
}

async fn close_ticket(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<ReasonBody>,
) -> Answer<TicketView> {
    let (id, reason) = (TicketId::parse(&id)?, Reason::parse(&body.reason)?);
    blocking(admin, move |admin| {
        admin.store.close_ticket(id, &reason, &actor, admin.triage.clock.now())
    })
    .await
}

async fn grants(
    State(admin): State<Admin>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<Grant>> {
    let page = page.page()?;
    blocking(admin, move |admin| admin.store.grants(&page, admin.triage.clock.now())).await
}

#[derive(Deserialize)]
struct GrantBody {
    incident: String,
    repository: String,
    pusher: Option<String>,
    uses: u32,
    expires: Timestamp,
    reason: String,
}

async fn create_grant(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<GrantBody>,
) -> Answer<Grant> {
    let wish = GrantWish {
        incident: IncidentId::parse(&body.incident)?,
        repository: body.repository,
        pusher: body.pusher,
        uses: body.uses,
        expires_at: body.expires,
        reason: Reason::parse(&body.reason)?,
    };
    blocking(admin, move |admin| admin.triage.grant(wish, &actor)).await
}

async fn revoke_grant(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    Body(body): Body<ReasonBody>,
) -> Answer<Grant> {
    let (id, reason) = (GrantId::parse(&id)?, Reason::parse(&body.reason)?);
    blocking(admin, move |admin| {
        admin.store.revoke_grant(id, &reason, &actor, admin.triage.clock.now())
    })
    .await
}

async fn known(
    State(admin): State<Admin>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<KnownSecret>> {
    let page = page.page()?;
    blocking(admin, move |admin| admin.store.known(&page)).await
}

#[derive(Deserialize)]
struct KnownBody {
    secrets: Vec<KnownEntry>,
}

#[derive(Deserialize)]
struct KnownEntry {
    name: String,
    identity: Option<String>,
    owner: Option<String>,
    key_id: Option<String>,
    /// The value in base64: it may be no text.
    value: String,
}

impl KnownEntry {
    fn read(self) -> Result<NewSecret, ApiError> {
        let value = BASE64_STANDARD.decode(&self.value);
        let value = value.map_err(|_| ApiError::invalid("`value` is not base64"))?;
        let Self { name, identity, owner, key_id, .. } = self;
        Ok(NewSecret { name, identity, owner, key_id, value: Secret::new(value) })
    }
}

async fn add_known(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<KnownBody>,
) -> Answer<inventory::Added> {
    let secrets = body.secrets.into_iter().map(KnownEntry::read);
    let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
    blocking(admin, move |admin| admin.inventory.add(secrets, &actor)).await
}

#[derive(Deserialize)]
struct NameBody {
    name: String,
}

async fn remove_known(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
    Body(body): Body<NameBody>,
) -> Answer<KnownSecret> {
    blocking(admin, move |admin| admin.inventory.remove(&body.name, &actor)).await
}

#[derive(Deserialize)]
struct RepositoryQuery {
    repository: Option<String>,
}

async fn pushes(
    State(admin): State<Admin>,
    Query(query): Query<RepositoryQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<PushView>> {
    let page = page.page()?;
    let filter = PushFilter { repository: query.repository, ..PushFilter::default() };
    blocking(admin, move |admin| admin.store.pushes(&filter, &page)).await
}

async fn unscanned(
    State(admin): State<Admin>,
    Query(query): Query<RepositoryQuery>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<UnscannedView>> {
    let page = page.page()?;
    let filter = UnscannedFilter { repository: query.repository, ..UnscannedFilter::default() };
    blocking(admin, move |admin| admin.store.unscanned(&filter, &page)).await
}

async fn audit(
    State(admin): State<Admin>,
    Query(page): Query<PageQuery>,
) -> Answer<Listing<crate::incident::AuditEntry>> {
    let page = page.page()?;
    blocking(admin, move |admin| admin.store.audit(&page)).await
}

async fn verify_audit(State(admin): State<Admin>) -> Answer<AuditHead> {
    blocking(admin, |admin| admin.store.verify_audit()).await
}

/// A value that a push may carry to prove the hook: it is refused once, and leaves no incident.
#[derive(Serialize)]
struct Canary {
    id: String,
    value: String,
}

async fn issue_canary(
    State(admin): State<Admin>,
    Extension(actor): Extension<Actor>,
) -> Answer<Canary> {
    blocking(admin, move |admin| {
        let (id, value) = admin.inventory.issue_canary()?;
        let event = AuditEvent::new(
            admin.triage.clock.now(),
            &actor,
            "canary.issued",
            &id,
            &serde_json::Value::Null,
        );
        admin.store.append_audit(event)?;
        Ok::<_, ApiError>(Canary { id, value: value.expose().clone() })
    })
    .await
}
