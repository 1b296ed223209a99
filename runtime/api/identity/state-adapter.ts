import { createHash } from 'node:crypto';
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import type pg from 'pg';

/**
 * Models whose id is a credential by itself: only its hash is stored, so that a copy of the database lets nobody in.
 * (A session's id is a cookie that is signed with a key that is not in the database.)
 */
const bearer: ReadonlySet<string> = new Set(['AuthorizationCode', 'RefreshToken']);

/** oidc-provider's state of one model in `oauth_state`; the expiry sweep is `sweepExpiredState`. */
export function createStateAdapter(core: pg.Pool, model: string): Adapter {
  const keyOf = (id: string) => (bearer.has(model) ? createHash('sha256').update(id).digest('base64url') : id);
  const one = async (where: string, value: string, id?: string): Promise<AdapterPayload | undefined> => {
    const { rows } = await core.query<{ payload: AdapterPayload; consumed: number | null }>(
      `select payload, extract(epoch from consumed_at)::int as consumed from oauth_state where model = $1 and ${where} = $2`,
      [model, value],
    );
    const row = rows[0];
    if (row === undefined) return undefined;
    return {
      ...row.payload,
      ...(id === undefined ? {} : { jti: id }),
      ...(row.consumed === null ? {} : { consumed: row.consumed }),
    };
  };
  return {
    async upsert(id, payload, expiresIn) {
      const { jti, ...rest } = payload;
      const stored = bearer.has(model) || jti === undefined ? rest : payload;
      await core.query(
        `insert into oauth_state (model, id, payload, grant_id, user_code, uid, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')
         on conflict (model, id) do update
           set payload = $3, grant_id = $4, user_code = $5, uid = $6, expires_at = now() + $7 * interval '1 second'`,
        [
          model,
          keyOf(id),
          JSON.stringify(stored),
          payload.grantId ?? null,
          payload.userCode ?? null,
          payload.uid ?? null,
          expiresIn ?? null,
        ],
      );
    },
    find: (id) => (/^[A-Za-z0-9_-]{1,256}$/.test(id) ? one('id', keyOf(id), id) : Promise.resolve(undefined)),
    findByUserCode: (userCode) => one('user_code', userCode),
    findByUid: (uid) => one('uid', uid),
    async consume(id) {
      // Two requests with the same code or refresh token at once: one wins, the other is a replay.
      const { rowCount } = await core.query(
        'update oauth_state set consumed_at = now() where model = $1 and id = $2 and consumed_at is null',
        [model, keyOf(id)],
      );
      if (rowCount === 0) throw new errors.InvalidGrant(`${model} was used already`);
    },
    async destroy(id) {
      await core.query('delete from oauth_state where model = $1 and id = $2', [model, keyOf(id)]);
    },
    async revokeByGrantId(grantId) {
      await core.query('delete from oauth_state where grant_id = $1', [grantId]);
    },
  };
}

/** Removes what expired, at most `most` rows a call. @returns how many went. */
export async function sweepExpiredState(core: pg.Pool, most = 5_000): Promise<number> {
  const { rowCount } = await core.query(
    `delete from oauth_state where (model, id) in
       (select model, id from oauth_state where expires_at < now() - interval '1 minute' limit $1 for update skip locked)`,
    [most],
  );
  return rowCount ?? 0;
}
