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
internal sealed record Finding(IReadOnlyList<Phrase> Seen, Phrase Verdict, string Kind, Remedy Remedy, Phrase Next);

/// <summary>The runbook of lockouts, as a function of what is known: read first, change last, and never guess a PIN. The three
/// PINs of a key have counters of their own, so what the caller was signing in to comes first.</summary>
internal static class Diagnosis
{
    public static Finding OfCode(KeyRecord? record, Token? token, PastAttempts attempts, ValidationPolicy policy, DateTimeOffset now)
    {
        if (token is null)
        {
            return new([], new Phrase("This key carries no one-time password credential."), "bad", Remedy.ProvisionAgain, new Phrase("Provision it with a profile that writes one."));
        }

        var row = token.Counter!;
        var last = attempts.Attempts.FirstOrDefault(a => a.TokenId == token.Id);
        List<Phrase> seen =
        [
            new Phrase("Token {0}: {1}.", token.Serial, new Phrase(Words.Of(row, now).Text)),
            new Phrase("The server expects counter {0:N0} and looks {1} codes ahead.", row.Counter, policy.LookAhead),
            row.Failures switch
            {
                0 => new Phrase("No failure since the last acceptance."),
                1 => new Phrase("{0} failure in a row; {1} lock it.", row.Failures, policy.HardCap),
                _ => new Phrase("{0} failures in a row; {1} lock it.", row.Failures, policy.HardCap),
            },
            last.Outcome == Outcome.Refused ? new Phrase("No attempt is in the log.") : new Phrase("Last attempt: {0}.", new Phrase(Words.Of(last.Outcome).Text)),
        ];
        return row.State switch
        {
            _ when record?.Status == KeyStatus.Lost => new(seen, new Phrase("The key was reported lost, so its codes are refused."), "bad", Remedy.None,
                new Phrase("If it was found, suspend it first (below), check that it is this person, then activate it.")),
            TokenState.Suspended => new(seen, new Phrase("Suspended: every code is refused, right or wrong."), "warn", Remedy.Activate, new Phrase("Activate it once you know why it was suspended.")),
            TokenState.Disabled => new(seen, token.DisabledReason is { } why ? new Phrase("Disabled for good: {0}.", why) : new Phrase("Disabled for good."), "bad", Remedy.ProvisionAgain, new Phrase("Another key or another seed is needed.")),
            TokenState.Pending => new(seen, new Phrase("Provisioning has not ended: no code is accepted before it has."), "warn", Remedy.ProvisionAgain, new Phrase("Resume the job; the key is needed for it.")),
            TokenState.None => new(seen, new Phrase("The token has no state."), "bad", Remedy.ProvisionAgain, new Phrase("Provision it again.")),
            _ => OfUse(seen, token, last, policy),
        };
    }

    public static Finding OfPivPin(KeyRecord record, KeyLook? look)
    {
        List<Phrase> seen = [new Phrase("PIN on record: {0}.", new Phrase(Words.Of(record.PinMethod))), new Phrase("PUK: {0}.", new Phrase(Words.PukOf(record).Text))];
        var canShow = record.PukMethod == PukMethod.Derived || record.SealedPuk is not null;
        var reset = new Finding(seen, new Phrase("Only a reset and a new registration help."), "bad", Remedy.ResetOnly,
            new Phrase("The PIN cannot be unblocked: there is no PUK that works. Certificates and keys in the PIV application are lost with the reset; OATH and FIDO stay."));
        if (look?.Piv is not { } piv)
        {
            seen.Add(new Phrase("The key is in none of the readers here, so its tries left are not known. Put it in one and ask again, or ask the caller what is on the screen."));
            return !canShow ? reset : record.SealedPin is not null && record.PinMethod != PinMethod.FactoryDefault
                ? new(seen, new Phrase("The initial PIN was never shown: the caller may never have had it."), "warn", Remedy.RevealPin, new Phrase("Show it once, then have the caller change it."))
                : new(seen, new Phrase("Wrong PIN or blocked: nothing here tells which."), "warn", Remedy.RevealPuk, new Phrase("If the screen says blocked, the PUK sets a new PIN. It costs nothing else on the key."));
        }

        var left = piv.Pin?.TriesLeft ?? piv.PinTriesLeft;
        seen.Add(left is null ? new Phrase("The key does not tell its tries left.") : piv.Pin is { } pin
            ? new Phrase("Read from the key: {0} of {1} PIN tries left.", pin.TriesLeft, pin.TriesTotal) : new Phrase("Read from the key: {0} PIN tries left.", left));
        if (piv.Puk is { } puk)
        {
            seen.Add(new Phrase("Read from the key: {0} of {1} PUK tries left.", puk.TriesLeft, puk.TriesTotal));
        }

        if (piv.Pin is { IsDefault: true })
        {
            return new(seen, new Phrase("Not locked: the key still has its factory PIN."), "warn", Remedy.ProvisionAgain, new Phrase("Provision it; until then anybody who finds it can use it."));
        }

        if (left > 0)
        {
            return record.SealedPin is not null
                ? new(seen, new Phrase("Not locked: {0} tries are left. The initial PIN was never shown, so the caller cannot know it.", left), "good", Remedy.RevealPin, new Phrase("Show it once. No reset is needed."))
                : canShow ? new(seen, new Phrase("Not locked: {0} tries are left, the PIN was wrong.", left), "good", Remedy.RevealPuk,
                    new Phrase("Check that the caller means this key and the PIN of this dialogue. If it is forgotten, the PUK sets a new one. No reset is needed."))
                : new(seen, new Phrase("Not locked: {0} tries are left, the PIN was wrong.", left), "good", Remedy.None, new Phrase("There is no PUK on record: nobody should try again unless they are sure."));
        }

        return canShow && piv.Puk is not { TriesLeft: 0 }
            ? new(seen, new Phrase("Blocked: no PIN try is left."), "warn", Remedy.RevealPuk, new Phrase("The PUK sets a new PIN. Nothing on the key is lost."))
            : reset with { Seen = seen };
    }

    public static Finding OfFidoPin(KeyRecord? record, KeyLook? look) => new(
        [
            record?.FidoPolicy is { } policy ? new Phrase("FIDO decision: {0}.", policy) : new Phrase("No FIDO decision was made."),
            look?.Fido is { } fido ? fido.PinIsSet == true ? new Phrase("Read from the key: a FIDO PIN is set.") : new Phrase("Read from the key: no FIDO PIN is set.") : new Phrase("The key is in none of the readers here."),
        ],
        look?.Fido is { PinIsSet: false } ? new Phrase("Not locked: no FIDO PIN was ever set.") : new Phrase("The FIDO PIN has no PUK and nobody here knows it."),
        look?.Fido is { PinIsSet: false } ? "good" : "warn",
        look?.Fido is { PinIsSet: false } ? Remedy.None : Remedy.ResetOnly,
        look?.Fido is { PinIsSet: false } ? new Phrase("The caller chooses one at the next registration.")
            : new Phrase("After three wrong ones the key waits until it is pulled and inserted again; eight in all are allowed. First: pull, insert, try once, slowly. After the eighth only a reset of the FIDO application and new registrations help; PIV and OATH stay as they are."));

    private static Finding OfUse(List<Phrase> seen, Token token, LoggedAttempt last, ValidationPolicy policy)
    {
        var ask = policy.CodesForResync == 3
            ? new Phrase("Have the caller press the key for three new codes, one after the other. The server looks {0:N0} codes ahead for them.", policy.ResyncWindow)
            : new Phrase("Have the caller press the key for two new codes, one after the other. The server looks {0:N0} codes ahead for them.", policy.ResyncWindow);
        return last.Outcome switch
        {
            _ when token.Counter!.Flags.HasFlag(CounterFlags.Locked) => new(seen, new Phrase("Locked after too many failures."), "bad", Remedy.Resynchronise, new Phrase("Unlocks it and checks the key in one go. {0}", ask)),
            Outcome.Throttled => new(seen, new Phrase("Refused unseen: it waits after failures. The code may well have been right."), "warn", Remedy.Resynchronise, ask),
            Outcome.WrongPin => new(seen, new Phrase("The PIN before the code was wrong or missing; the code was not looked at, and the next one will do."), "warn", Remedy.None, new Phrase("Have the caller type PIN and code in one field, once more. If the PIN is forgotten, set a new one below, once you know who is calling.")),
            Outcome.Replayed => new(seen, new Phrase("The code was right and had been used before: a double press of Enter, or an old code typed again."), "good", Remedy.Resynchronise, new Phrase("A new code will do. To be sure: {0}", ask)),
            Outcome.Refused => new(seen, new Phrase("No attempt of this token has arrived here. The fault lies before this server: wrong user name, another token, the VPN."), "warn", Remedy.Resynchronise, new Phrase("To prove the key itself: {0}", ask)),
            Outcome.Accepted or Outcome.Repeated or Outcome.Resynchronised => new(seen, new Phrase("The last code was accepted. If the caller was refused all the same, the fault lies behind this server."), "good", Remedy.Resynchronise, new Phrase("To be sure of the key: {0}", ask)),
            _ when token.Type == TokenType.Totp => new(seen, new Phrase("The code is not of the present time step: the clock of the device is off."), "warn", Remedy.Resynchronise, ask),
            _ => new(seen, new Phrase("The key has run ahead of the server, or it is another key."), "warn", Remedy.Resynchronise, ask),
        };
    }
}
