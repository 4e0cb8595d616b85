//! The verbs of triage that change what the gate lets through: dismissals and grants.
//!
//! Each is audited by the store. None is for the pusher alone: who pushed a secret cannot be the
//! only one to say that it is none, unless the installation says that it has one person.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::incident::{
    Actor, DispositionKind, Grant, GrantError, GrantRequest, GrantScope, IncidentId, Reason,
    RepositoryPattern,
};
use crate::store::{IncidentView, OccurrenceView, Store, StoreError};

/// Why a verb was refused.
#[derive(Debug, thiserror::Error)]
pub enum TriageError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such grant.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The repository is named by a name, and the server has none.
    #[error(
        "`{repository}` would never match: this server names repositories by their paths, such as \
         `{seen}`"
    )]
    NameWithoutNames {
        /// What was wished for.
        repository: String,
        /// A repository that the secret was pushed to.
        seen: String,
    },
    /// The actor pushed the secret.
    #[error("{actor} pushed this secret and cannot clear it alone")]
    SelfApproval {
        /// Who tried.
        actor: String,
    },
}

/// What somebody asks a grant for.
#[derive(Clone, Debug)]
pub struct GrantWish {
    /// The incident whose secret may pass.
    pub incident: IncidentId,
    /// Where: a path, a name or a glob.
    pub repository: String,
    /// Whom; anybody if `None`.
    pub pusher: Option<String>,
    /// How often.
    pub uses: u32,
    /// Until when.
    pub expires_at: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// Triage's verbs on a store.
#[derive(Clone)]
pub struct Triage {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether the installation has one person, who may clear what they pushed.
    pub allow_self_approval: bool,
}

impl Triage {
    /// Closes an incident that is no leak.
    ///
    /// # Errors
    /// If the actor is who pushed it, or the store refuses.
    pub fn dismiss(
        &self,
        id: IncidentId,
        kind: DispositionKind,
        reason: &Reason,
        by: &Actor,
    ) -> Result<IncidentView, TriageError> {
        self.check_second_person(id, by)?;
        Ok(self.store.dismiss(id, kind, reason, by, self.clock.now())?)
    }

    /// Gives a grant.
    ///
    /// # Errors
    /// If the actor is who pushed the secret, the wish is out of range, or the store refuses.
    pub fn grant(&self, wish: GrantWish, by: &Actor) -> Result<Grant, TriageError> {
        self.check_second_person(wish.incident, by)?;
        let repository = RepositoryPattern::parse(&wish.repository)?;
        self.check_can_match(wish.incident, &repository)?;
        let scope = GrantScope { incident: wish.incident, repository, pusher: wish.pusher };
        let GrantWish { uses, expires_at, reason, .. } = wish;
        let request = GrantRequest { scope, uses, expires_at, reason };
        Ok(self.store.create_grant(&request, by, self.clock.now())?)
    }

    /// Refuses a bare name where every repository of the incident has a path and no name: nothing
    /// on this server would match. What holds a slash may be another repository's path or name.
    fn check_can_match(
        &self,
        id: IncidentId,
        pattern: &RepositoryPattern,
    ) -> Result<(), TriageError> {
        if pattern.as_str().contains('/') {
            return Ok(());
        }
        let incident = self.store.incident(id)?;
        let may_match = |seen: &OccurrenceView| {
            seen.repository_name.is_some() || pattern.matches(&seen.repository)
        };
        match incident.occurrences.first() {
            Some(seen) if !incident.occurrences.iter().any(may_match) => {
                let (repository, seen) = (pattern.as_str().to_owned(), seen.repository.clone());
                Err(TriageError::NameWithoutNames { repository, seen })
            }
            _ => Ok(()),
        }
    }

    /// Refuses an actor who is among the pushers of the incident's secret.
    ///
    /// Names are compared as they stand: a server's login names and the machine's account names
    /// are one name space where people have accounts.
    fn check_second_person(&self, id: IncidentId, by: &Actor) -> Result<(), TriageError> {
        if self.allow_self_approval {
            return Ok(());
        }
        let incident = self.store.incident(id)?;
        let own = |name: &str| by.name().is_some_and(|actor| actor.eq_ignore_ascii_case(name));
        let pushed = incident.pushers.iter().filter_map(|seen| seen.pusher.name.as_deref());
        if pushed.into_iter().any(own) {
            return Err(TriageError::SelfApproval { actor: by.to_string() });
        }
        Ok(())
    }
}
