using System.Globalization;
using OathServer.Provisioning;
using OathServer.Storage;
using OathServer.Validation;

namespace OathServer.Pages;

/// <summary>What the caller says is wrong.</summary>
internal enum Complaint
{
    /// <summary>A one-time code is refused.</summary>
    Code,

    /// <summary>Windows, a smart-card sign-in or a VPN client asks for the PIN and refuses it (PIV).</summary>
    PivPin,

    /// <summary>A browser or passkey dialogue asks for the PIN and refuses it (FIDO2).</summary>
    FidoPin,

    /// <summary>Lost or stolen.</summary>
    Lost,

    /// <summary>Broken, returned, or to go to somebody else.</summary>
    Broken,
}

/// <summary>The one thing to do.</summary>
internal enum Remedy
{
    None,
    Resynchronise,
    Activate,
    RevealPin,
    RevealPuk,
    MarkLost,
    Retire,
    ProvisionAgain,
    ResetOnly,
}

/// <summary>What was looked at, what it means, and the one thing to do.</summary>
internal sealed record Finding(IReadOnlyList<string> Seen, string Verdict, string Kind, Remedy Remedy, string Next);

/// <summary>The runbook of lockouts, as a function of what is known: read first, change last, and never guess a PIN. The three
/// PINs of a key have counters of their own, so what the caller was signing in to comes first.</summary>
internal static class Diagnosis
{
    public static Finding OfCode(KeyRecord? record, Token? token, PastAttempts attempts, ValidationPolicy policy, DateTimeOffset now)
    {
        if (token is null)
        {
            return new([], "This key carries no one-time password credential.", "bad", Remedy.ProvisionAgain, "Provision it with a profile that writes one.");
        }

        var row = token.Counter!;
        var last = attempts.Attempts.FirstOrDefault(a => a.TokenId == token.Id);
        List<string> seen =
        [
            $"Token {token.Serial}: {Words.Of(row, now).Text}.",
            $"The server expects counter {Number(row.Counter)} and looks {policy.LookAhead} codes ahead.",
            row.Failures == 0 ? "No failure since the last acceptance." : $"{row.Failures} failure{(row.Failures == 1 ? "" : "s")} in a row; {policy.HardCap} lock it.",
            last.Outcome == Outcome.Refused ? "No attempt is in the log." : $"Last attempt: {Words.Of(last.Outcome).Text}.",
        ];
        return row.State switch
        {
            _ when record?.Status == KeyStatus.Lost => new(seen, "The key was reported lost, so its codes are refused.", "bad", Remedy.None,
                "If it was found, suspend it first (below), check that it is this person, then activate it."),
            TokenState.Suspended => new(seen, "Suspended: every code is refused, right or wrong.", "warn", Remedy.Activate, "Activate it once you know why it was suspended."),
            TokenState.Disabled => new(seen, $"Disabled for good{(token.DisabledReason is { } why ? $": {why}" : "")}.", "bad", Remedy.ProvisionAgain, "Another key or another seed is needed."),
            TokenState.Pending => new(seen, "Provisioning has not ended: no code is accepted before it has.", "warn", Remedy.ProvisionAgain, "Resume the job; the key is needed for it."),
            TokenState.None => new(seen, "The token has no state.", "bad", Remedy.ProvisionAgain, "Provision it again."),
            _ => OfUse(seen, token, last, policy),
        };
    }

    public static Finding OfPivPin(KeyRecord record, KeyLook? look)
    {
        List<string> seen = [$"PIN on record: {Words.Of(record.PinMethod)}.", $"PUK: {Words.PukOf(record).Text}."];
        var canShow = record.PukMethod == PukMethod.Derived || record.SealedPuk is not null;
        var reset = new Finding(seen, "Only a reset and a new registration help.", "bad", Remedy.ResetOnly,
            "The PIN cannot be unblocked: there is no PUK that works. Certificates and keys in the PIV application are lost with the reset; OATH and FIDO stay.");
        if (look?.Piv is not { } piv)
        {
            seen.Add("The key is in none of the readers here, so its tries left are not known. Put it in one and ask again, or ask the caller what is on the screen.");
            return !canShow ? reset : record.SealedPin is not null && record.PinMethod != PinMethod.FactoryDefault
                ? new(seen, "The initial PIN was never shown: the caller may never have had it.", "warn", Remedy.RevealPin, "Show it once, then have the caller change it.")
                : new(seen, "Wrong PIN or blocked: nothing here tells which.", "warn", Remedy.RevealPuk, "If the screen says blocked, the PUK sets a new PIN. It costs nothing else on the key.");
        }

        var left = piv.Pin?.TriesLeft ?? piv.PinTriesLeft;
        seen.Add(left is null ? "The key does not tell its tries left." : piv.Pin is { } pin
            ? $"Read from the key: {pin.TriesLeft} of {pin.TriesTotal} PIN tries left." : $"Read from the key: {left} PIN tries left.");
        if (piv.Puk is { } puk)
        {
            seen.Add($"Read from the key: {puk.TriesLeft} of {puk.TriesTotal} PUK tries left.");
        }

        if (piv.Pin is { IsDefault: true })
        {
            return new(seen, "Not locked: the key still has its factory PIN.", "warn", Remedy.ProvisionAgain, "Provision it; until then anybody who finds it can use it.");
        }

        if (left > 0)
        {
            return record.SealedPin is not null
                ? new(seen, $"Not locked: {left} tries are left. The initial PIN was never shown, so the caller cannot know it.", "good", Remedy.RevealPin, "Show it once. No reset is needed.")
                : canShow ? new(seen, $"Not locked: {left} tries are left, the PIN was wrong.", "good", Remedy.RevealPuk,
                    "Check that the caller means this key and the PIN of this dialogue. If it is forgotten, the PUK sets a new one. No reset is needed.")
                : new(seen, $"Not locked: {left} tries are left, the PIN was wrong.", "good", Remedy.None, "There is no PUK on record: nobody should try again unless they are sure.");
        }

        return canShow && piv.Puk is not { TriesLeft: 0 }
            ? new(seen, "Blocked: no PIN try is left.", "warn", Remedy.RevealPuk, "The PUK sets a new PIN. Nothing on the key is lost.")
            : reset with { Seen = seen };
    }

    public static Finding OfFidoPin(KeyRecord? record, KeyLook? look) => new(
        [
            $"FIDO decision: {record?.FidoPolicy ?? "none was made"}.",
            look?.Fido is { } fido ? fido.PinIsSet == true ? "Read from the key: a FIDO PIN is set." : "Read from the key: no FIDO PIN is set." : "The key is in none of the readers here.",
        ],
        look?.Fido is { PinIsSet: false } ? "Not locked: no FIDO PIN was ever set." : "The FIDO PIN has no PUK and nobody here knows it.",
        look?.Fido is { PinIsSet: false } ? "good" : "warn",
        look?.Fido is { PinIsSet: false } ? Remedy.None : Remedy.ResetOnly,
        look?.Fido is { PinIsSet: false } ? "The caller chooses one at the next registration."
            : "After three wrong ones the key waits until it is pulled and inserted again; eight in all are allowed. First: pull, insert, try once, slowly. After the eighth only a reset of the FIDO application and new registrations help; PIV and OATH stay as they are.");

    private static Finding OfUse(List<string> seen, Token token, LoggedAttempt last, ValidationPolicy policy)
    {
        var codes = policy.ResyncWindow > ValidationPolicy.TwoCodesUpTo ? "three" : "two";
        var ask = $"Have the caller press the key for {codes} new codes, one after the other. The server looks {policy.ResyncWindow} codes ahead for them.";
        return last.Outcome switch
        {
            _ when token.Counter!.Flags.HasFlag(CounterFlags.Locked) => new(seen, "Locked after too many failures.", "bad", Remedy.Resynchronise, $"Unlocks it and checks the key in one go. {ask}"),
            Outcome.Throttled => new(seen, "Refused unseen: it waits after failures. The code may well have been right.", "warn", Remedy.Resynchronise, ask),
            Outcome.Replayed => new(seen, "The code was right and had been used before: a double press of Enter, or an old code typed again.", "good", Remedy.Resynchronise, $"A new code will do. To be sure: {ask}"),
            Outcome.Refused => new(seen, "No attempt of this token has arrived here. The fault lies before this server: wrong user name, another token, the VPN.", "warn", Remedy.Resynchronise, $"To prove the key itself: {ask}"),
            Outcome.Accepted or Outcome.Repeated or Outcome.Resynchronised => new(seen, "The last code was accepted. If the caller was refused all the same, the fault lies behind this server.", "good", Remedy.Resynchronise, $"To be sure of the key: {ask}"),
            _ when token.Type == TokenType.Totp => new(seen, "The code is not of the present time step: the clock of the device is off.", "warn", Remedy.Resynchronise, ask),
            _ => new(seen, "The key has run ahead of the server, or it is another key.", "warn", Remedy.Resynchronise, ask),
        };
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
