using OathServer.Storage;

namespace OathServer.Validation;

/// <summary>Validates and resynchronises: finds the credentials, hands the attempt to the writer, waits until it is
/// durable. Used by the endpoints, by provisioning for the first code, and by the facades: there is no other path.</summary>
internal sealed class Validator(CredentialCache credentials, CounterCommit counters, ValidationPolicy policy)
{
    /// <summary>A realm an API key may validate is asked for by the caller; null means all.</summary>
    public delegate bool RealmFilter(string realm);

    public async Task<ValidationAttempt> ValidateSerialAsync(
        string serial, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel)
    {
        for (var again = true; ; again = false)
        {
            var found = await credentials.BySerialAsync(serial, cancel);
            if (realms is not null && found.Length > 0 && !realms(found[0].Realm))
            {
                found = [];
            }

            var attempt = new ValidationAttempt(found, code, serial, bySerial: true, apiKeyId, policy);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || !again)
            {
                return attempt;
            }

            credentials.Clear();
        }
    }

    /// <summary>The first code of a key being provisioned: as <see cref="ValidateSerialAsync"/>, but a pending token may
    /// accept it. It stays pending, so nobody else gets in before its job is confirmed.</summary>
    public async Task<ValidationAttempt> ProveAsync(string serial, string code, CancellationToken cancel)
    {
        for (var again = true; ; again = false)
        {
            var found = await credentials.BySerialAsync(serial, cancel);
            var attempt = new ValidationAttempt(found, code, serial, bySerial: true, apiKeyId: 0, policy, provesPending: true);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || !again)
            {
                return attempt;
            }

            credentials.Clear();
        }
    }

    public async Task<ValidationAttempt> ValidateUserAsync(
        string realm, string user, string code, int apiKeyId, RealmFilter? realms, CancellationToken cancel)
    {
        for (var again = true; ; again = false)
        {
            var found = realms is null || realms(realm) ? await credentials.ByUserAsync(realm, user, cancel) : [];
            var attempt = new ValidationAttempt(found, code, user, bySerial: false, apiKeyId, policy);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || !again)
            {
                return attempt;
            }

            credentials.Clear();
        }
    }

    /// <summary>Null when there is no such token.</summary>
    public async Task<ResyncAttempt?> ResynchroniseAsync(
        string serial, string[] codes, bool byStaff, int apiKeyId, RealmFilter? realms, CancellationToken cancel)
    {
        for (var again = true; ; again = false)
        {
            var found = await credentials.BySerialAsync(serial, cancel);
            if (found.Length == 0 || (realms is not null && !realms(found[0].Realm)))
            {
                return null;
            }

            var attempt = new ResyncAttempt(found[0], codes, byStaff, apiKeyId, policy);
            await counters.SubmitAsync(attempt);
            if (!attempt.Stale || !again)
            {
                return attempt;
            }

            credentials.Clear();
        }
    }
}
