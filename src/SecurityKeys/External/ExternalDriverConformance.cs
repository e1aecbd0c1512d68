using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.Piv;

namespace SecurityKeys.External;

/// <summary>One thing a driver must do, and whether it does.</summary>
public sealed record ConformanceCheck(string Rule, bool Holds, string Detail);

/// <summary>
/// Runs a driver through the protocol of docs/keys.md. Without a PIN it only reads; with the factory PIN of a key that
/// may be spoilt it sets a PUK, spends one try of the PIN, and unblocks by the PUK.
/// </summary>
public static class ExternalDriverConformance
{
    /// <summary>The operations every driver has.</summary>
    public static IReadOnlyList<string> RequiredOperations { get; } =
        ["list", "token-cuid", "properties", "puk-put", "pin-change"];

    /// <summary>All checks, in order; a driver that cannot be started fails the first.</summary>
    public static async Task<IReadOnlyList<ConformanceCheck>> RunAsync(
        ExternalDriverOptions options, ReadOnlyMemory<byte> spoilablePin = default, CancellationToken cancel = default)
    {
        var checks = new List<ConformanceCheck>();
        ExternalKeyDriver? started = null;
        await TryAsync(checks, "hello names protocol 1, operations and rules", async () =>
        {
            started = await ExternalKeyDriver.StartAsync(options, cancel).ConfigureAwait(false);
            var missing = RequiredOperations.Except(started.Info.Operations).ToList();
            return missing.Count == 0 ? "" : $"missing: {string.Join(", ", missing)}";
        }).ConfigureAwait(false);
        if (started is null) return checks;

        await using var driver = started;
        string? reader = null;
        await TryAsync(checks, "list names at least one reader with a key", async () =>
        {
            reader = await driver.ListAsync(cancel).ConfigureAwait(false) is [var first, ..] ? first : null;
            return reader is null ? "no reader: insert a key" : "";
        }).ConfigureAwait(false);
        if (reader is null) return checks;

        await TryAsync(checks, "token-cuid is hexadecimal and says the same twice", async () =>
        {
            var first = await driver.ReadCuidAsync(reader, cancel).ConfigureAwait(false);
            return first == await driver.ReadCuidAsync(reader, cancel).ConfigureAwait(false) ? "" : "it changed";
        }).ConfigureAwait(false);
        await TryAsync(checks, "properties tells PUKInitialized and ForcePinChange without a PIN", async () =>
        {
            var told = await driver.ReadPropertiesAsync(reader, cancel).ConfigureAwait(false);
            return told is { PukInitialized: not null, ForcePinChange: not null } ? "" : "one of them is missing";
        }).ConfigureAwait(false);
        await TryAsync(checks, "a reader that is not there is answered with no-key", async () =>
        {
            try
            {
                _ = await driver.ReadCuidAsync("no such reader", cancel).ConfigureAwait(false);
                return "it answered with an identity";
            }
            catch (ExternalDriverException e)
            {
                return e.Code == "no-key" ? "" : $"it answered {e.Code}";
            }
        }).ConfigureAwait(false);
        if (!spoilablePin.IsEmpty) await SpoilAsync(checks, driver, reader, spoilablePin, cancel).ConfigureAwait(false);
        return checks;
    }

    private static async Task SpoilAsync(
        List<ConformanceCheck> checks, ExternalKeyDriver driver, string reader, ReadOnlyMemory<byte> pin,
        CancellationToken cancel)
    {
        var puk = Draw(driver.Info.PukRule, seed: 1);
        var wrong = Draw(driver.Info.PinRule, seed: 5);
        await TryAsync(checks, "puk-put with a wrong PIN is answered with wrong or blocked", async () =>
        {
            var verdict = await driver.PutPukAsync(reader, wrong, puk, cancel).ConfigureAwait(false);
            return verdict.Outcome is PinOutcome.Wrong or PinOutcome.Blocked ? "" : "it was accepted";
        }).ConfigureAwait(false);
        await TryAsync(checks, "puk-put with the right PIN sets PUKInitialized", async () =>
        {
            var verdict = await driver.PutPukAsync(reader, pin, puk, cancel).ConfigureAwait(false);
            if (!verdict.Accepted) return $"it was refused: {verdict.Outcome}";
            return (await driver.ReadPropertiesAsync(reader, cancel).ConfigureAwait(false)).PukInitialized == true
                ? "" : "PUKInitialized is still false";
        }).ConfigureAwait(false);
        await TryAsync(checks, "pin-change to the same PIN and puk-put once more are accepted", async () =>
            (await driver.ChangePinAsync(reader, pin, pin, cancel).ConfigureAwait(false)).Accepted
            && (await driver.PutPukAsync(reader, pin, puk, cancel).ConfigureAwait(false)).Accepted ? "" : "refused")
            .ConfigureAwait(false);
        if (driver.Info.Operations.Contains("pin-unblock"))
            await TryAsync(checks, "pin-unblock with the new PUK gives the key another PIN, as often as it is asked",
                () => UnblockAsync(driver, reader, puk, wrong, pin, cancel)).ConfigureAwait(false);
        if (driver.Info.Operations.Contains("oath-put") && driver.Info.Operations.Contains("oath-code"))
        {
            await TryAsync(checks, "oath-put and oath-code make the codes of RFC 4226 from the counter sent",
                () => ProveOathAsync(driver, reader, pin, cancel)).ConfigureAwait(false);
            await TryAsync(checks, "oath-put under a name that is there replaces the credential",
                () => ReplaceOathAsync(driver, reader, pin, cancel)).ConfigureAwait(false);
        }
    }

    private static async Task<string> ProveOathAsync(
        ExternalKeyDriver driver, string reader, ReadOnlyMemory<byte> pin, CancellationToken cancel)
    {
        var credential = new ExternalOathCredential("conformance", OathType.Hotp, OathAlgorithm.Sha1, 6, 5, 30);
        (await driver.PutOathAsync(reader, pin, credential, "12345678901234567890"u8.ToArray(), cancel)
            .ConfigureAwait(false)).ThrowIfRefused("write the credential");
        var now = DateTimeOffset.UnixEpoch;
        var first = await driver.ReadCodeAsync(reader, pin, credential.Name, now, cancel).ConfigureAwait(false);
        var second = await driver.ReadCodeAsync(reader, pin, credential.Name, now, cancel).ConfigureAwait(false);
        // RFC 4226 appendix D, counts 5 and 6.
        return (first, second) == ("254676", "287922") ? "" : $"the codes were {first} and {second}";
    }

    /// <summary>What a reseed does: another secret under the same name.</summary>
    private static async Task<string> ReplaceOathAsync(
        ExternalKeyDriver driver, string reader, ReadOnlyMemory<byte> pin, CancellationToken cancel)
    {
        var credential = new ExternalOathCredential("conformance", OathType.Hotp, OathAlgorithm.Sha1, 6, 0, 30);
        (await driver.PutOathAsync(reader, pin, credential, "another secret, 20 b"u8.ToArray(), cancel)
            .ConfigureAwait(false)).ThrowIfRefused("write the credential");
        (await driver.PutOathAsync(reader, pin, credential, "12345678901234567890"u8.ToArray(), cancel)
            .ConfigureAwait(false)).ThrowIfRefused("write the credential again");
        var code = await driver.ReadCodeAsync(reader, pin, credential.Name, DateTimeOffset.UnixEpoch, cancel)
            .ConfigureAwait(false);
        // RFC 4226 appendix D, count 0.
        return code == "755224" ? "" : $"the code was {code}";
    }

    /// <summary>What a drill and a help desk do: the PUK alone gives the key another PIN.</summary>
    private static async Task<string> UnblockAsync(
        ExternalKeyDriver driver, string reader, byte[] puk, byte[] other, ReadOnlyMemory<byte> pin, CancellationToken cancel)
    {
        if (!(await driver.UnblockPinAsync(reader, puk, other, cancel).ConfigureAwait(false)).Accepted) return "refused";
        if (!(await driver.PutPukAsync(reader, other, puk, cancel).ConfigureAwait(false)).Accepted)
            return "the PIN it was given is not accepted";
        return (await driver.UnblockPinAsync(reader, puk, pin, cancel).ConfigureAwait(false)).Accepted
            ? "" : "it works once only";
    }

    private static byte[] Draw(SecretRule rule, int seed) =>
        [
            .. Enumerable.Range(0, rule.LengthMax)
                .Select(i => (byte)rule.Alphabet[(i * 3 + seed) % rule.Alphabet.Length]),
        ];

    private static async Task TryAsync(List<ConformanceCheck> checks, string rule, Func<Task<string>> check)
    {
        string detail;
        try
        {
            detail = await check().ConfigureAwait(false);
        }
        catch (SmartCardException e)
        {
            detail = e.Message;
        }
        checks.Add(new ConformanceCheck(rule, detail.Length == 0, detail));
    }
}
