#!/usr/bin/env node
// OathServer from JavaScript: Node.js 18 or later, no package; the class runs in Deno and Bun as well.
//   OATHSERVER_URL=https://oath.example.com OATHSERVER_KEY=… ./oathserver.mjs validate USER CODE
//   … resync SERIAL CODE CODE | record CUID-OR-SERIAL-OR-NAME
// Ends with 0: accepted, resynchronised, found; 1: refused, not found; 2: no answer to rely on.
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** The calls a relying party and a help desk need. Every method throws where there is no answer to rely on. */
export class OathServer {
  constructor(url, key, { timeout = 10_000, pauses = [0, 200, 1000] } = {}) {
    Object.assign(this, { url: url.replace(/\/$/, ""), key, timeout, pauses });
  }

  /** True when the code was accepted; it never will be again. One request id over all tries: after a lost reply the
   * server gives the same answer again instead of "used before". */
  async validate(user, code, realm) {
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    for (const pause of this.pauses) {
      await sleep(pause);
      let status, answer;
      try {
        [status, answer] = await this.#call("POST", "/v1/validate", { user, code, realm }, headers);
      } catch {
        continue;
      }
      if (status === 200) return answer.accepted === true;
      if (status !== 429 && status !== 503) throw new Error(`${status}: ${JSON.stringify(answer)}`);
    }
    throw new Error("no answer");
  }

  /** Null when the token is realigned, else why not. */
  async resynchronise(serial, codes) {
    const [status, answer] = await this.#call("POST", `/v1/tokens/${encodeURIComponent(serial)}/resync`, { codes });
    if (status === 200) return null;
    if (status === 404 || status === 422) return answer.detail ?? answer.title;
    throw new Error(`${status}: ${JSON.stringify(answer)}`);
  }

  /** The records of a CUID, a serial number, a user's name or mail. */
  async records(search) {
    const [status, answer] = await this.#call("GET", `/v1/records?${new URLSearchParams({ search })}`);
    if (status === 200) return answer;
    throw new Error(`${status}: ${JSON.stringify(answer)}`);
  }

  async #call(method, path, body, headers = {}) {
    const reply = await fetch(this.url + path, {
      method,
      headers: { "X-API-Key": this.key, "Content-Type": "application/json", ...headers },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(this.timeout),
    });
    const text = await reply.text();
    return [reply.status, text ? JSON.parse(text) : {}];
  }
}

async function main([command, ...words]) {
  const server = new OathServer(process.env.OATHSERVER_URL, process.env.OATHSERVER_KEY);
  if (command === "validate" && words.length === 2) {
    const accepted = await server.validate(...words);
    console.log(accepted ? "accepted" : "refused");
    return accepted ? 0 : 1;
  }
  if (command === "resync" && (words.length === 3 || words.length === 4)) {
    const why = await server.resynchronise(words[0], words.slice(1));
    console.log(why ?? "resynchronised");
    return why ? 1 : 0;
  }
  if (command === "record" && words.length === 1) {
    const found = await server.records(words[0]);
    console.log(JSON.stringify(found));
    return found.length > 0 ? 0 : 1;
  }
  console.error("validate USER CODE | resync SERIAL CODE CODE | record CUID-OR-SERIAL-OR-NAME");
  return 2;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (fault) => {
      console.error(fault.message);
      process.exit(2);
    },
  );
}
