//! Whether the stored votes are still what people's passkeys signed. Looked at again when a call is about to be made, so
//! that a vote that was only written, or moved from elsewhere, counts for nothing. It does not ask who may vote; the flow
//! does. Who can also rewrite flows, people and passkeys in the database can still open the desk.

use super::Desk;
use super::error::DeskError;
use super::fit::Unfit;
use crate::auth::passkeys::{PasskeySignature, StoredPasskey, verify_stored_decision};
use crate::store::decisions::{Decision, Proof};
use crate::store::{self, Connection};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Desk {
    /// Whether every signed vote was signed by a passkey that its voter has.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) async fn signatures_stand(
        &self,
        connection: &mut Connection,
        votes: &[Decision],
    ) -> Result<Result<(), Unfit>, DeskError> {
        for vote in votes {
            let Some(proof) = &vote.proof else { continue };
            let passkey = store::passkeys::by_credential(connection, &proof.credential_id).await?;
            let Some(passkey) = passkey.filter(|passkey| vote.is_by(passkey.user_id)) else {
                return Ok(Err(Unfit::revoked("The passkey that approved was removed")));
            };
            let stored = StoredPasskey { credential_id: passkey.credential_id, passkey_json: passkey.passkey };
            if !self.is_signed(vote, proof, &stored) {
                return Ok(Err(Unfit::tampered()));
            }
        }
        Ok(Ok(()))
    }

    fn is_signed(&self, vote: &Decision, proof: &Proof, passkey: &StoredPasskey) -> bool {
        let statement = &proof.statement;
        let says_so = statement.user_id == vote.user()
            && statement.decision == vote.vote
            && statement.step == vote.step
            && statement.grant == vote.grant
            && statement.tools == vote.tools;
        let by_theirs = passkey.public_key().is_ok_and(|key| key == proof.public_key);
        let here = proof.rp_id == self.public_url().rp_id();
        says_so
            && by_theirs
            && here
            && signature(proof).is_some_and(|it| verify_stored_decision(statement, &it).is_ok())
    }
}

fn signature(proof: &Proof) -> Option<PasskeySignature> {
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    Some(PasskeySignature {
        credential_id: proof.credential_id.clone(),
        rp_id: proof.rp_id.clone(),
        origin: proof.origin.clone(),
        public_key: proof.public_key.clone(),
        authenticator_data: bytes(&proof.authenticator_data)?,
        client_data_json: bytes(&proof.client_data_json)?,
        signature: bytes(&proof.signature)?,
    })
}
