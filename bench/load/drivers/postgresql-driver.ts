import { setTimeout as pause } from "node:timers/promises";
import { BATCH, type Clients, type Driver, LABEL_BYTES, loadClient, type Place, padOf } from "../driver.ts";

/** What is used of pg. */
interface PgClient {
  connect(): Promise<unknown>;
  query(query: string | { name: string; text: string; values: unknown[] }): Promise<{ rows: Record<string, string>[] }>;
  end(): Promise<void>;
}
interface Pg {
  readonly default: { readonly Client: new (options: object) => PgClient };
}

/** There is no long poll; who finds nothing looks again after this. */
const LOOK_EVERY_MS = 10;

/** A table a round. A batch is deleted with SKIP LOCKED within a transaction, and its commit is the acknowledgement. */
export class PostgresqlDriver implements Driver {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async begin(place: Place): Promise<Clients> {
    const { name, publishers, consumers } = place;
    const pad = padOf(place);
    const { default: pg } = await loadClient<Pg>("pg");
    const where = { host: "127.0.0.1", port: this.#port, user: "bench", database: "postgres" };
    const clients = Array.from({ length: publishers + consumers + 1 }, () => new pg.Client(where));
    await Promise.all(clients.map((client) => client.connect()));
    const [first, ...others] = clients as [PgClient, ...PgClient[]];
    const table = `"${name}"`;
    await first.query(`CREATE TABLE ${table} (id bigserial PRIMARY KEY, body text NOT NULL)`);
    const insert = { name: "insert", text: `INSERT INTO ${table} (body) VALUES ($1) RETURNING id` };
    const next = `SELECT id FROM ${table} ORDER BY id FOR UPDATE SKIP LOCKED LIMIT ${BATCH}`;
    const take = { name: "take", text: `DELETE FROM ${table} WHERE id IN (${next}) RETURNING body`, values: [] };
    return {
      publishers: others.slice(0, publishers).map((client) => ({
        publish: async (label) => (await client.query({ ...insert, values: [label + pad] })).rows[0]?.id,
      })),
      consumers: others.slice(publishers).map((client) => ({
        async consume(taker) {
          while (!taker.isDone) {
            await client.query("BEGIN");
            const { rows } = await client.query(take);
            taker.received(rows.map(({ body = "" }) => body.slice(0, LABEL_BYTES)));
            await client.query("COMMIT");
            if (rows.length === 0) await pause(LOOK_EVERY_MS);
          }
        },
      })),
      close: async () => {
        await first.query(`DROP TABLE ${table}`);
        await Promise.all(clients.map((client) => client.end()));
      },
    };
  }
}
