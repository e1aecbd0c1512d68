"""Uses the Python client generated from OpenAPI as the samples written by hand are used."""
import os
import sys
import uuid

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../..")
sys.path.insert(0, os.path.join(root, "samples/clients/generated/python"))
import oathserver_api  # noqa: E402

configuration = oathserver_api.Configuration(host=os.environ["OATHSERVER_URL"].rstrip("/"), api_key={"ApiKey": os.environ["OATHSERVER_KEY"]})
api = oathserver_api.OathServerApi(oathserver_api.ApiClient(configuration))
what, words = sys.argv[1], sys.argv[2:]
try:
    if what == "validate":
        request = oathserver_api.ValidateRequest(user=words[0], code=words[1])
        accepted = api.validate_validate(request, idempotency_key=str(uuid.uuid4())).accepted
        print("accepted" if accepted else "refused")
        sys.exit(0 if accepted else 1)
    if what == "resync":
        api.resync_resynchronise(words[0], oathserver_api.ResyncRequest(codes=words[1:]))
        print("resynchronised")
        sys.exit(0)
    found = api.records_search(search=words[0])
    print(found[0].cuid if found else "not found")
    sys.exit(0 if found else 1)
except oathserver_api.ApiException as fault:
    print(fault.status, file=sys.stderr)
    sys.exit(1 if fault.status == 422 else 2)
