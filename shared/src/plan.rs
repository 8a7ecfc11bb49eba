//! Plans: what each of them includes, in one table that the service obeys and the console shows by (PRODUCT section 4).

use serde::{Deserialize, Serialize};

/// What an account may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Blocking is on with the default conditions and cannot be changed.
    Standard,
    /// Everything.
    Professional,
}

/// Something that can be done in a server configuration, as far as plans tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See the server configuration, its settings, runs, distributions and mail servers.
    Watch,
    /// Name the server configuration, connect mail servers, report what they delivered.
    Connect,
    /// Begin a run: it applies the conditions as they are.
    Run,
    /// Search the error log and the delivery log.
    SearchLogs,
    /// Release one address by its name.
    ReleaseAddress,
    /// Release several addresses at once.
    ReleaseSeveral,
    /// See and search the blocked list and the stop cancellation list.
    SeeLists,
    /// Put addresses on the blocked list, end exemptions.
    ChangeLists,
    /// Upload files of addresses.
    Upload,
    /// Register uploads, release by filter, undo either.
    ActInBulk,
    /// Change the run settings.
    ChangeRunSettings,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Professional];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Professional => "professional",
        }
    }

    /// Its name in sentences.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Professional => "Professional",
        }
    }

    /// Whether it includes something: the table.
    pub const fn includes(self, capability: Capability) -> bool {
        use Capability::{
            ActInBulk, ChangeLists, ChangeRunSettings, Connect, ReleaseAddress, ReleaseSeveral, Run, SearchLogs,
            SeeLists, Upload, Watch,
        };
        match capability {
            Watch | Connect | Run | SearchLogs | ReleaseAddress => true,
            ReleaseSeveral | SeeLists | ChangeLists | Upload | ActInBulk | ChangeRunSettings => {
                matches!(self, Self::Professional)
            }
        }
    }
}

impl Capability {
    /// What cannot be done without it, for sentences that begin "the plan does not include".
    pub const fn described(self) -> &'static str {
        match self {
            Self::Watch => "seeing a server configuration",
            Self::Connect => "connecting mail servers",
            Self::Run => "running at once",
            Self::SearchLogs => "searching the logs",
            Self::ReleaseAddress => "releasing an address",
            Self::ReleaseSeveral => "releasing several addresses at once: release one at a time",
            Self::SeeLists => "seeing the lists: release an address by its name",
            Self::ChangeLists => "changing the lists by hand",
            Self::Upload => "uploading addresses",
            Self::ActInBulk => "acting on many addresses at once",
            Self::ChangeRunSettings => "changing the run settings: it blocks with the default conditions",
        }
    }
}
