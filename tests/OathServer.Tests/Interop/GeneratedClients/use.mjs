// Uses the JavaScript client generated from OpenAPI as the samples written by hand are used.
import { HttpClient, OathServerApi } from "../../../../samples/clients/generated/javascript/oathserver-api.js";

const { OATHSERVER_URL: url, OATHSERVER_KEY: key } = process.env;
const api = new OathServerApi(new HttpClient({ baseUrl: url.replace(/\/$/, ""), baseApiParams: { headers: { "X-API-Key": key } } }));
const [what, ...words] = process.argv.slice(2);
try {
  if (what === "validate") {
    const { data } = await api.v1.validateValidate({ user: words[0], code: words[1] }, { headers: { "Idempotency-Key": crypto.randomUUID() } });
    console.log(data.accepted ? "accepted" : "refused");
    process.exitCode = data.accepted ? 0 : 1;
  } else if (what === "resync") {
    await api.v1.resyncResynchronise(words[0], { codes: words.slice(1) });
    console.log("resynchronised");
  } else {
    const { data } = await api.v1.recordsSearch({ search: words[0] });
    console.log(data.length > 0 ? data[0].cuid : "not found");
    process.exitCode = data.length > 0 ? 0 : 1;
  }
} catch (reply) {
  console.error(reply.status ?? reply);
  process.exitCode = reply.status === 422 ? 1 : 2;
}
