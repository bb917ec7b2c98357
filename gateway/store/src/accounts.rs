//! Login users and sessions. Session tokens are stored hashed, so that a copy of the database opens no
//! session; passwords are never seen here, only their hashes. A session is good while its login user is
//! on file and its facility's person has not left.

use crate::StoreError;
use crate::database::Database;
use crate::row::Reader;
use crate::value::args;
use crate::view::{EndpointOwner, LoginUser, Session};
use kakehashi_core::clock::UtcMicros;
use kakehashi_core::envelope::ContentHash;
use kakehashi_core::ids::{LoginUserId, NetworkId};
use kakehashi_core::vocabulary::{Locale, Role};

/// Handle for login.
#[derive(Clone)]
pub struct Accounts {
    db: Database,
    network: NetworkId,
}

const LOGIN_USER: &str = "u.login_user_id, u.login_name, u.facility_id, f.name, u.staff_id, \
    u.display_name, u.role, u.locale, u.password_hash";

/// With the facility, and without people who have left.
const FROM_LOGIN_USERS: &str = "login_users u \
    JOIN facilities f ON f.network_id = u.network_id AND f.facility_id = u.facility_id \
    LEFT JOIN staff_members s ON s.network_id = u.network_id AND s.staff_id = u.staff_id";

fn read_login_user(r: &mut Reader<'_>) -> Result<LoginUser, StoreError> {
    Ok(LoginUser {
        id: r.id()?,
        login_name: r.text()?,
        facility_id: r.id()?,
        facility_name: r.text()?,
        staff_id: r.opt_id()?,
        display_name: r.text()?,
        role: r.code(("login_users", "role"), Role::from_code)?,
        locale: r.code(("login_users", "locale"), Locale::from_code)?,
        password_hash: r.text()?,
    })
}

impl Accounts {
    pub(crate) const fn new(db: Database, network: NetworkId) -> Self {
        Self { db, network }
    }

    /// By login name.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn by_login_name(&self, login_name: &str) -> Result<Option<LoginUser>, StoreError> {
        let sql = format!(
            "SELECT {LOGIN_USER} FROM {FROM_LOGIN_USERS} \
             WHERE u.network_id = $1 AND u.login_name = $2 AND s.left_at IS NULL"
        );
        let row = self.db.row(sql, args![&self.network, login_name]).await?;
        row.map(|row| read_login_user(&mut row.reader())).transpose()
    }

    /// Opens a session. `token` is the cookie's value, stored only as SHA-256. Sessions that are over are
    /// removed on the way.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open_session(
        &self,
        login_user: &LoginUserId,
        token: &str,
        csrf_token: &str,
        now: UtcMicros,
        expires_at: UtcMicros,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        tx.run("DELETE FROM sessions WHERE network_id = $1 AND expires_at <= $2", args![&self.network, now])
            .await?;
        tx.run(
            "INSERT INTO sessions (network_id, token_hash, login_user_id, csrf_token, opened_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            args![&self.network, hashed(token), login_user, csrf_token, now, expires_at],
        )
        .await?;
        tx.commit().await
    }

    /// The session of a cookie, if it is still good.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn session(&self, token: &str, now: UtcMicros) -> Result<Option<Session>, StoreError> {
        let sql = format!(
            "SELECT {LOGIN_USER}, x.csrf_token, x.expires_at FROM {FROM_LOGIN_USERS} \
             JOIN sessions x ON x.network_id = u.network_id AND x.login_user_id = u.login_user_id \
             WHERE x.network_id = $1 AND x.token_hash = $2 AND x.expires_at > $3 AND s.left_at IS NULL"
        );
        let Some(row) = self.db.row(sql, args![&self.network, hashed(token), now]).await? else {
            return Ok(None);
        };
        let mut r = row.reader();
        Ok(Some(Session {
            login_user: read_login_user(&mut r)?,
            csrf_token: r.text()?,
            expires_at: r.time()?,
        }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn close_session(&self, token: &str) -> Result<(), StoreError> {
        self.db
            .run(
                "DELETE FROM sessions WHERE network_id = $1 AND token_hash = $2",
                args![&self.network, hashed(token)],
            )
            .await
            .map(|_| ())
    }

    /// Sets the language.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn set_locale(&self, login_user: &LoginUserId, locale: Locale) -> Result<(), StoreError> {
        self.db
            .run(
                "UPDATE login_users SET locale = $3 WHERE network_id = $1 AND login_user_id = $2",
                args![&self.network, login_user, locale.code()],
            )
            .await
            .map(|_| ())
    }

    /// The endpoint and facility of an API key, by the key's SHA-256 in hexadecimal.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn api_endpoint(&self, key_hash: &str) -> Result<Option<EndpointOwner>, StoreError> {
        let row = self
            .db
            .row(
                "SELECT endpoint_id, facility_id FROM endpoints \
                 WHERE network_id = $1 AND address = $2 AND channel = 'api' AND state <> 'suspended'",
                args![&self.network, key_hash],
            )
            .await?;
        row.map(|row| {
            let mut r = row.reader();
            Ok(EndpointOwner { endpoint_id: r.id()?, facility_id: r.id()? })
        })
        .transpose()
    }
}

fn hashed(token: &str) -> String {
    ContentHash::of(token.as_bytes()).hex().to_owned()
}
