using System.Security.Cryptography;
using System.Text;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.External;

namespace OathServer.Provisioning.Reseed;

/// <summary>
/// A new seed for a key that a program drives: <c>oath-put</c> under the name the old one has, which replaces it, authorised by
/// the PIN: the initial one while it was not handed out, then the holder's, who stands at the desk and types it.
/// </summary>
internal sealed class ExternalRenewal(SeedRenewal renewal, KeySecrets secrets, ExternalKey key)
{
    public async Task<RenewalOutcome> RunAsync(
        OathDbContext db, Token token, OathDecision oath, string? typedPin, AuditEvent actor, CancellationToken cancel)
    {
        if (!key.Offers("oath-put"))
        {
            return new RenewalOutcome.Refused(
                $"{key.Info.Name} cannot write credentials (it has no oath-put): the key keeps the seed its maker gave it.",
                "Have its maker's tool give it another and import that, or hand out another key.");
        }

        PendingSeed? pending = null;
        byte[]? pin = null;
        try
        {
            if ((await key.ReadCuidAsync(cancel)).Text != token.Cuid)
            {
                return SeedRenewal.OtherKey(token);
            }

            if ((await key.ReadPropertiesAsync(cancel)).PinTriesLeft is <= 1)
            {
                return new RenewalOutcome.Refused("The PIN has one try left, and the last is never spent.", "Unblock it by the PUK first. Nothing was written.");
            }

            pin = await PinAsync(db, token, typedPin, cancel);
            if (pin is null)
            {
                return new RenewalOutcome.Refused(
                    typedPin is null ? "This key takes a credential by its PIN only, and its initial PIN was handed out." : "That is no PIN of this make of key.",
                    "Let the holder type it and send it as pin. Nothing was written.");
            }

            pending = await renewal.StageAsync(db, token, actor, cancel);
            var verdict = await PutAsync(token, oath, pin, pending, cancel);
            if (!verdict.Accepted)
            {
                return new RenewalOutcome.Refused(
                    $"The key refused the PIN{(verdict.TriesLeft is { } left ? $"; {left} tries are left" : "")}.",
                    "Nothing was written to the key: it holds the old seed, which works. Send the request again with the right pin.");
            }

            return key.Offers("oath-code")
                ? await renewal.SwitchAsync(token, pending, await key.ReadCodeAsync(pin, NameOf(token, oath), renewal.Now, cancel), cancel)
                : new RenewalOutcome.Pending(pending.Generation, token.Cuid!, "Let the key show a code and use it: the first one of the new seed switches.");
        }
        catch (SmartCardException fault) when (pending is not null)
        {
            return SeedRenewal.Unsure(token, pending, fault);
        }
        catch (SmartCardException fault)
        {
            return new RenewalOutcome.Refused(fault.Message, "Nothing was written to the key.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    /// <summary>Null when there is none, or the typed one cannot be one.</summary>
    private async Task<byte[]?> PinAsync(OathDbContext db, Token token, string? typed, CancellationToken cancel)
    {
        if (typed is not null)
        {
            var pin = Encoding.UTF8.GetBytes(typed);
            return key.Info.PinRule.Allows(pin) ? pin : null;
        }

        var record = await db.Records.FindAsync([token.Cuid], cancel);
        return record is { Status: KeyStatus.ReadyForHandout, SealedPin: not null } ? secrets.PinOf(record) : null;
    }

    private async Task<SecurityKeys.Piv.PinVerdict> PutAsync(Token token, OathDecision oath, byte[] pin, PendingSeed pending, CancellationToken cancel)
    {
        var credential = OathSteps.ExternalCredentialOf(token, NameOf(token, oath), pending.StartCounter);
        var secret = renewal.SecretOf(token, pending);
        try
        {
            return await key.PutOathAsync(pin, credential, secret, cancel);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static string NameOf(Token token, OathDecision oath) => ProvisioningPlan.AccountOf(oath, token, token.Person?.Name);
}
