using System.Globalization;
using System.Text;
using OathServer.Storage;
using SecurityKeys;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;

namespace OathServer.Provisioning;

/// <summary>Names of the steps, in the order they run. What puts other things back to factory values comes first, the PIN
/// last, so that the steps before it can still use the factory PIN.</summary>
internal static class StepNames
{
    public const string Retries = "retries";
    public const string ManagementKey = "management-key";
    public const string Identity = "identity";
    public const string Puk = "puk";
    public const string Oath = "oath";
    public const string Fido = "fido";
    public const string Pin = "pin";
    public const string FirstCode = "first-code";
    public const string Earlier = "earlier-credential";
    public const string ForcePinChange = "force-pin-change";
    public const string Record = "record";
}

/// <summary>One step of a plan; <see cref="SkipReason"/> says why it does not run.</summary>
internal sealed record PlannedStep(string Name, string What, string? SkipReason = null);

/// <summary>Who gets the key; the id is 0 for a person the server does not know yet, null for nobody.</summary>
internal sealed record Recipient(string? Name, long? PersonId);

/// <summary>What a job would do to a key, decided from a look at it before anything is written.</summary>
internal sealed record ProvisioningPlan(
    IReadOnlyList<PlannedStep> Steps, IReadOnlyList<string> Warnings, IReadOnlyList<string> Refusals)
{
    public bool Possible => Refusals.Count == 0;

    /// <summary>A pure function of what is known: the key's own words, the record, the token and the profile.</summary>
    public static ProvisioningPlan Make(
        KnownProfile profile, KeyLook look, Token? token, KeyRecord? record, KeyPast past, Recipient recipient, bool force)
    {
        var user = recipient.Name;
        var refusals = new List<string>();
        var warnings = new List<string>();
        var decisions = profile.Decisions;
        if (look.External is { } external)
        {
            ExternalPlan.Check(external, token, record, past, decisions, refusals);
        }
        else
        {
            CheckPiv(look, record, past, decisions, force, refusals, warnings);
            CheckOath(look, token, past, decisions, user, force, refusals, warnings);
        }

        CheckHolder(record, token, recipient, force, refusals, warnings);
        CheckRules(look.Rules, decisions, refusals);
        if (decisions.Fido.Scope == FidoScope.Undecided)
        {
            warnings.Add("The profile leaves FIDO undecided: the key will count as an open gap until it is decided.");
        }

        if (decisions.Puk.Strategy == PukStrategy.Batch)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"One PUK for the whole batch: whoever learns it can unblock every key of it. Due for rotation in {decisions.Puk.RotateAfterDays} days."));
        }

        return new ProvisioningPlan(
            look.External is { } driven ? ExternalPlan.StepsOf(driven, token, record, past, decisions, recipient)
                : StepsOf(look, token, record, past, decisions, recipient),
            warnings, refusals);
    }

    /// <summary>What the profile asks for must be what this make of key takes.</summary>
    private static void CheckRules(KeyProfile rules, RolloutProfile decisions, List<string> refusals)
    {
        if (decisions.Puk.Digits is { } puk && (puk < rules.Puk.LengthMin || puk > rules.Puk.LengthMax))
        {
            refusals.Add($"The profile asks for a PUK of {puk} characters; this key takes {Range(rules.Puk)}. Leave puk.digits out for as many as the key takes.");
        }

        if (decisions.Pin.Strategy != PinStrategy.RefuseDefault
            && (decisions.Pin.Digits < rules.Pin.LengthMin || decisions.Pin.Digits > rules.Pin.LengthMax))
        {
            refusals.Add($"The profile asks for a PIN of {decisions.Pin.Digits} characters; this key takes {Range(rules.Pin)}.");
        }
    }

    private static string Range(SecretRule rule) => rule.LengthMin == rule.LengthMax ? $"{rule.LengthMin}" : $"{rule.LengthMin} to {rule.LengthMax}";

    /// <summary>Renews the PUK of a key we know and leaves everything else as it is.</summary>
    public static ProvisioningPlan MakePukOnly(KnownProfile profile, KeyLook look, KeyRecord record, KeyPast past)
    {
        var refusals = new List<string>();
        var warnings = new List<string>();
        if (look.External is not null)
        {
            refusals.Add("Keys of this make take a PUK by the PIN, which only the holder knows. Provision the key again instead.");
            return new ProvisioningPlan([], warnings, refusals);
        }

        CheckPiv(look, record, past, profile.Decisions, force: true, refusals, warnings);
        CheckRules(look.Rules, profile.Decisions, refusals);
        return new ProvisioningPlan(
            [
                .. StepsOf(look, token: null, record, past, profile.Decisions, new Recipient(record.Person?.Name, record.PersonId))
                    .Select(s => s.Name is StepNames.Puk or StepNames.Record ? s : s with { SkipReason = "only the PUK is renewed" }),
            ], warnings, refusals);
    }

    /// <summary>The credential's name, as the profile composes it.</summary>
    public static string AccountOf(OathDecision oath, Token token, string? user) =>
        oath.Name.Replace("{serial}", token.Serial, StringComparison.Ordinal).Replace("{user}", user ?? token.Serial, StringComparison.Ordinal);

    /// <summary>The credential's name in the OATH application.</summary>
    public static string OathNameOf(OathDecision oath, Token token, string? user)
    {
        var account = AccountOf(oath, token, user);
        // The period stands in front when it is not 30 s (YKOATH), or the key would count another step than we do.
        return OathName.Format(issuer: null, account, token.Type == TokenType.Totp ? OathType.Totp : OathType.Hotp,
            token.Type == TokenType.Totp ? token.TimeStep : 30);
    }

    private static void CheckPiv(
        KeyLook look, KeyRecord? record, KeyPast past, RolloutProfile decisions, bool force, List<string> refusals, List<string> warnings)
    {
        if (look.Piv is not { } piv)
        {
            refusals.Add("The key's PIV application cannot be reached through this reader, so its PIN and PUK cannot be set.");
            return;
        }

        var pukKnown = record is { PukMethod: not PukMethod.NotSet } || past.IsPukOpen;
        if (past.OpenSteps.Count > 0)
        {
            warnings.Add($"An abandoned job may have set {string.Join(" and ", past.OpenSteps.Order(StringComparer.Ordinal))} of this key: what is there is found out first, with at most one try.");
        }

        if (piv.Puk is { TriesLeft: <= 1 } puk)
        {
            refusals.Add($"The PUK has {puk.TriesLeft} tries left: one mistake more and it is gone. Reset PIV on the key, then start again.");
        }

        if (piv.Puk is { IsDefault: false } && !pukKnown)
        {
            refusals.Add("The PUK is not the factory value and no record of ours holds it. Reset PIV on the key, then start again.");
        }

        if (piv.Pin is { IsDefault: false } && !pukKnown && !force)
        {
            refusals.Add(piv.Puk is { IsDefault: true }
                ? "The PIN is not the factory value: somebody uses this key. Send force to replace it by means of the factory PUK."
                : "The PIN is not the factory value and no record of ours says whose key this is.");
        }

        if (piv.ManagementKey is { IsDefault: false } && record?.SealedManagementKey is null && !past.IsManagementKeyOpen
            && (decisions.ManagementKey == ManagementKeyStrategy.Random || decisions.Retries is not null))
        {
            refusals.Add("The management key is not the factory value and no record of ours holds it. Reset PIV on the key, then start again.");
        }

        if (piv.ManagementKey is { TouchNeeded: true })
        {
            warnings.Add("The management key asks for a touch: keep a finger near the key.");
        }

        if (look.Offered.Count == 0)
        {
            warnings.Add("The card offers no identity: a CHUID is written to it first, and the record stands under that.");
        }

        if (piv.Pin is null)
        {
            warnings.Add("This key cannot tell whether its PIN and PUK are factory values; at most one try of each is spent to find out.");
        }
    }

    /// <summary>A key that passes from one person to another.</summary>
    private static void CheckHolder(
        KeyRecord? record, Token? token, Recipient recipient, bool force, List<string> refusals, List<string> warnings)
    {
        if (record?.Person is { } holder && holder.Id != recipient.PersonId)
        {
            if (record.Status == KeyStatus.HandedOut && !force)
            {
                refusals.Add($"The key is handed out to {holder.Name}. Send force to take it from them, or record it as suspended first.");
            }

            warnings.Add($"The key passes from {holder.Name} to {recipient.Name ?? "nobody"}. PIV certificates and FIDO registrations of {holder.Name} stay on it: reset those applications if there are any.");
        }

        // A holder may have noted codes that are yet to come.
        if (token?.Person is { } earlier && token.Cuid is not null && earlier.Id != recipient.PersonId && record?.Status is KeyStatus.HandedOut or KeyStatus.Suspended)
        {
            refusals.Add($"Token {token.Serial} was {earlier.Name}'s, who may have kept codes of it. Give {recipient.Name ?? "the key"} another token.");
        }
    }

    private static void CheckOath(
        KeyLook look, Token? token, KeyPast past, RolloutProfile decisions, string? user, bool force,
        List<string> refusals, List<string> warnings)
    {
        if (decisions.Oath is not { } wanted || token is null)
        {
            return;
        }

        if (token.Digits > 8)
        {
            refusals.Add($"Token {token.Serial} has {token.Digits} digits; the key makes codes of 6 to 8.");
        }

        // Refused before anything is written: the key's counter has 32 bits, ours 63.
        if (token.Type == TokenType.Hotp && token.Counter!.Counter > uint.MaxValue)
        {
            refusals.Add($"Token {token.Serial} stands at counter {token.Counter.Counter}; the key holds at most {uint.MaxValue}. Reseed it.");
        }

        if (token.DisabledReason is { } disabled)
        {
            refusals.Add($"Token {token.Serial} may not be used: {disabled}");
        }

        if (wanted.Slot is { } slot)
        {
            CheckSlot(slot, look, token, past, force, refusals, warnings);
            return;
        }

        if (look.Oath is not { } oath)
        {
            refusals.Add("The key's OATH application cannot be reached through this reader.");
            return;
        }

        if (oath.Locked)
        {
            refusals.Add("The OATH application has an access code we do not know. Reset OATH on the key, then start again.");
        }

        var name = AccountOf(wanted, token, user);
        if (Encoding.UTF8.GetByteCount(name) > OathName.BytesMax - 4)
        {
            refusals.Add($"The credential's name {name} is longer than the key takes ({OathName.BytesMax - 4} bytes).");
            return;
        }

        name = OathNameOf(wanted, token, user);
        HashSet<string> ours = [name, .. past.Carried.Where(c => c.Slot is null).Select(c => c.Name)];
        var foreign = oath.Credentials.Select(c => c.Name).Where(n => !ours.Contains(n)).ToList();
        if (foreign.Count > 0 && !force)
        {
            refusals.Add($"The key carries OATH credentials that are not ours ({string.Join(", ", foreign.Take(5))}): somebody uses it. Send force to leave them and go on.");
        }
        else if (foreign.Count > 0)
        {
            warnings.Add($"OATH credentials that are not ours stay on the key: {string.Join(", ", foreign.Take(5))}.");
        }

        if (oath.Credentials.Any(c => c.Name == name))
        {
            warnings.Add($"The OATH credential {name} on the key is overwritten.");
        }
    }

    private static void CheckSlot(
        int slot, KeyLook look, Token token, KeyPast past, bool force, List<string> refusals, List<string> warnings)
    {
        if (look.Slots is not { } slots)
        {
            refusals.Add("The key's OTP slots cannot be reached through this reader.");
            return;
        }

        if (token.Type != TokenType.Hotp || token.Algorithm != global::Oath.OathAlgorithm.Sha1 || token.Digits is not (6 or 8))
        {
            refusals.Add($"Token {token.Serial} does not fit a slot: that takes HOTP with SHA-1 and 6 or 8 digits. Use a profile without a slot.");
        }

        // A slot keeps its counter divided by 16 (yubikit yubiotp.py): the server goes on to the same multiple.
        if (OtpSlotsApplication.RoundUp((ulong)token.Counter!.Counter) is not { } start)
        {
            refusals.Add($"Token {token.Serial} stands at counter {token.Counter.Counter}; a slot starts from at most {OtpSlotsApplication.MovingFactorMax}. Reseed it.");
        }
        else if (start != token.Counter.Counter)
        {
            warnings.Add(string.Create(CultureInfo.InvariantCulture,
                $"A slot starts from multiples of 16 only: key and server both start from {start} instead of {token.Counter.Counter}."));
        }

        if ((slot == 1 ? slots.IsSlot1Configured : slots.IsSlot2Configured) && !past.Carried.Any(c => c.Slot == slot))
        {
            if (force)
            {
                warnings.Add($"What slot {slot} holds now is overwritten.");
            }
            else
            {
                refusals.Add($"Slot {slot} is configured and we do not know with what. Send force to overwrite it, or use the other slot.");
            }
        }
    }

    internal static string PukWords(PukDecision puk) => puk.Strategy switch
    {
        PukStrategy.Derived => "Set the PUK derived from the CUID",
        PukStrategy.Batch => "Set the PUK of the batch",
        _ => "Set a random PUK and escrow it",
    };

    private static List<PlannedStep> StepsOf(
        KeyLook look, Token? token, KeyRecord? record, KeyPast past, RolloutProfile decisions, Recipient recipient)
    {
        var (piv, user) = (look.Piv, recipient.Name);
        var hasOath = decisions.Oath is not null && token is not null;
        return
        [
            new(StepNames.Retries, decisions.Retries is { } set ? $"Set {set.Pin} tries for the PIN and {set.Puk} for the PUK" : "Set the tries for PIN and PUK",
                decisions.Retries is not { } retries ? "the profile leaves the key's own"
                : piv is { IsYubico: false } ? "this card has no command for it"
                : piv?.Pin is { } pin && piv.Puk is { } puk && pin.TriesTotal == retries.Pin && puk.TriesTotal == retries.Puk ? "they are so already"
                // SET PIN RETRIES puts both back to factory values; with a PUK in use that is a step back.
                : piv?.Puk is { IsDefault: false } || (piv?.Puk is null && (record is { PukMethod: not PukMethod.NotSet } || past.IsPukOpen)) ? "the key is in use; its own limits stay" : null),
            new(StepNames.ManagementKey, "Replace the management key by a random one",
                decisions.ManagementKey == ManagementKeyStrategy.Leave ? "the profile leaves it"
                : piv is { IsYubico: false } ? "this card has no command for it" : null),
            new(StepNames.Identity, "Write the PIV identifiers that are missing (CHUID, CCC); the record stays under the CUID it has",
                piv is { HasChuid: true, HasCcc: true } ? "the key has both"
                : piv?.ManagementKey is { IsDefault: false } && record?.SealedManagementKey is null && !past.IsManagementKeyOpen ? "the management key is not ours" : null),
            new(StepNames.Puk, PukWords(decisions.Puk)),
            new(StepNames.Oath, hasOath
                ? string.Create(CultureInfo.InvariantCulture, $"Write {token!.Type.ToString().ToUpperInvariant()} credential {AccountOf(decisions.Oath!, token, user)} with counter {token.Counter!.Counter}")
                : "Write the OATH credential", hasOath ? null : "the profile writes none"),
            new(StepNames.Fido, decisions.Fido.Scope == FidoScope.HolderRegisters
                ? string.Create(CultureInfo.InvariantCulture, $"Require FIDO PINs of at least {decisions.Fido.MinPinLength}")
                : "Apply the FIDO policy",
                decisions.Fido.Scope == FidoScope.HolderRegisters ? null : FidoWords.Of(decisions.Fido) ?? "undecided"),
            new(StepNames.Pin, decisions.Pin.Strategy == PinStrategy.RefuseDefault
                ? "See that the holder has replaced the factory PIN"
                : "Set a unique initial PIN by means of the PUK"),
            new(StepNames.FirstCode, decisions.Oath?.Slot is { } slot
                ? string.Create(CultureInfo.InvariantCulture, $"Validate the first code that slot {slot} types when touched")
                : "Ask the key for one code and validate it",
                decisions.VerifyFirstCode && hasOath ? null : "the profile does not ask for it"),
            EarlierStep(token, record, past, decisions, recipient),
            new(StepNames.Record, "Confirm the record"),
        ];
    }

    internal static PlannedStep EarlierStep(Token? token, KeyRecord? record, KeyPast past, RolloutProfile decisions, Recipient recipient)
    {
        var (slot, name) = token is null || decisions.Oath is null ? (null, null) : (decisions.Oath.Slot, (string?)OathNameOf(decisions.Oath, token, recipient.Name));
        var going = past.Going(token?.Id, slot, name, recipient.PersonId).Select(c => c.Slot is { } its ? $"empty slot {its}" : $"delete {c.Name}");
        var retiring = past.Retiring(record, token?.Id, slot, name, recipient.PersonId)
            .Select(t => $"retire token {t.Serial}{(t.Person is { } person ? $" of {person.Name}" : "")}");
        var what = string.Join(", ", going.Concat(retiring));
        return what.Length == 0
            ? new PlannedStep(StepNames.Earlier, "Remove earlier credentials", "there are none")
            : new PlannedStep(StepNames.Earlier, $"Remove earlier credentials: {what}");
    }
}

/// <summary>The FIDO decision in words, as the record keeps it.</summary>
internal static class FidoWords
{
    public static string? Of(FidoDecision fido) => fido.Scope switch
    {
        FidoScope.NotUsed => "FIDO is not used in this rollout",
        FidoScope.HolderRegisters => string.Create(CultureInfo.InvariantCulture, $"The holder sets a PIN of at least {fido.MinPinLength} and registers. {fido.Recovery}"),
        _ => null,
    };
}
