using System.Globalization;
using OathServer.Storage;

namespace OathServer.Provisioning;

/// <summary>The plan for a key of another make, which a program drives: what it can do is what the program offers.</summary>
internal static class ExternalPlan
{
    public static void Check(ExternalLook key, Token? token, KeyRecord? record, KeyPast past, RolloutProfile decisions, List<string> refusals)
    {
        var isOurs = record is { PukMethod: not PukMethod.NotSet } || past.IsPukOpen;
        if (key.Properties.PukInitialized == true && !isOurs)
        {
            refusals.Add("The key has a PUK and no record of ours holds it. Reset the key with its maker's tool, then start again.");
        }

        if (key.Properties.PukInitialized != false && isOurs && !key.Offers("pin-unblock"))
        {
            refusals.Add("The key is in use, and its driver has no pin-unblock to replace the holder's PIN. Reset the key with its maker's tool, then start again.");
        }

        if (key.Properties.PinTriesLeft is <= 1 && !(isOurs && key.Offers("pin-unblock")))
        {
            refusals.Add($"The PIN has {key.Properties.PinTriesLeft} tries left, and the last is never spent. Reset the key with its maker's tool, then start again.");
        }

        if (key.Info.PinRule.Factory is null && decisions.Factory.Pin is null)
        {
            refusals.Add("Nobody says which PIN this key came with: put it into the profile (factory.pin), or let its driver tell.");
        }

        if (decisions.Pin.Strategy == PinStrategy.RefuseDefault)
        {
            refusals.Add("A key of this make does not tell whether its PIN is the factory value; use a profile that sets one.");
        }

        if (decisions.Oath is { Slot: not null })
        {
            refusals.Add("Slots are a YubiKey's; use a profile without oath.slot.");
        }

        if (token is { DisabledReason: { } disabled } && decisions.Oath is not null)
        {
            refusals.Add($"Token {token.Serial} may not be used: {disabled}");
        }
    }

    public static List<PlannedStep> StepsOf(ExternalLook key, Token? token, KeyRecord? record, KeyPast past, RolloutProfile decisions, Recipient recipient)
    {
        var user = recipient.Name;
        var hasOath = decisions.Oath is not null && token is not null;
        return
        [
            new(StepNames.Puk, ProvisioningPlan.PukWords(decisions.Puk)),
            new(StepNames.Oath, hasOath
                ? string.Create(CultureInfo.InvariantCulture,
                    $"Write {token!.Type.ToString().ToUpperInvariant()} credential {ProvisioningPlan.AccountOf(decisions.Oath!, token, user)} with counter {token.Counter!.Counter}")
                : "Write the OATH credential",
                !hasOath ? "the profile writes none" : key.Offers("oath-put") ? null : "its driver has no oath-put: the key keeps what its maker put there"),
            new(StepNames.Fido, "Apply the FIDO policy", decisions.Fido.Scope == FidoScope.HolderRegisters
                ? "not reachable through its driver" : FidoWords.Of(decisions.Fido) ?? "undecided"),
            new(StepNames.Pin, key.Offers("pin-unblock")
                ? "Set a unique initial PIN by means of the PUK" : "Replace the factory PIN by a unique initial one"),
            new(StepNames.FirstCode, key.Offers("oath-code")
                ? "Ask the key for one code and validate it" : "Validate the first code that the key shows",
                decisions.VerifyFirstCode && hasOath ? null : "the profile does not ask for it"),
            new(StepNames.ForcePinChange, "Make the key insist on a new PIN",
                decisions.Pin.Strategy != PinStrategy.ForcedChange ? "the profile does not ask for it"
                : key.Offers("force-pin-change") ? null : "its driver has no force-pin-change; the handout asks for it"),
            ProvisioningPlan.EarlierStep(token, record, past, decisions, recipient),
            new(StepNames.Record, "Confirm the record"),
        ];
    }
}
