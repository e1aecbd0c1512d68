using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using OathServer.Validation;
using SecurityKeys.Cards;
using SecurityKeys.OathApplet;
using SecurityKeys.OtpSlots;

namespace OathServer.Provisioning.Reseed;

/// <summary>What came of a reseed.</summary>
internal abstract record RenewalOutcome
{
    private RenewalOutcome()
    {
    }

    /// <summary>A code of the new seed was accepted; the old seed is gone.</summary>
    public sealed record Switched(int Generation, string Key) : RenewalOutcome;

    /// <summary>The new seed is on the key or may be; the first code of it switches, codes of the old one still count.</summary>
    public sealed record Pending(int Generation, string Key, string Next) : RenewalOutcome;

    public sealed record Refused(string What, string Next) : RenewalOutcome;
}

/// <summary>
/// Gives a key a new seed. It is staged beside the old one before the key hears of it; validation takes codes of either until
/// the first one of the new seed (<see cref="SeedSwitch"/>). Stopped anywhere, key and server still agree; run again it
/// writes the same staged seed, never a third.
/// </summary>
internal sealed class SeedRenewal(
    KeyReaders readers, KeySecrets secrets, Sealer sealer, Validator validator, AuditTrail audit, TimeProvider time)
{
    /// <param name="db">The database.</param>
    /// <param name="token">The token; counter and person must be included.</param>
    /// <param name="reader">The reader its key is in.</param>
    /// <param name="actor">Who does it.</param>
    /// <param name="cancel">Ends it.</param>
    /// <param name="pin">The holder's PIN, for a key of another make that is in use.</param>
    public async Task<RenewalOutcome> RunAsync(
        OathDbContext db, Token token, string reader, AuditEvent actor, CancellationToken cancel, string? pin = null)
    {
        if (await CheckAsync(db, token, cancel) is { } refusal)
        {
            return refusal;
        }

        var profile = await ProfileAsync(db, token, cancel);
        if (profile?.Decisions.Oath is not { } oath)
        {
            return new RenewalOutcome.Refused("The record does not say where the credential is on the key.", "Provision the key again.");
        }

        ReaderSession? session;
        try
        {
            session = await readers.OpenAsync(reader, cancel);
        }
        catch (SmartCardException fault)
        {
            return new RenewalOutcome.Refused(fault.Message, "GET /v1/readers lists the readers and which hold a key.");
        }

        if (session is null)
        {
            return new RenewalOutcome.Refused($"The key in {reader} is in use by another request.", "Try again in a moment.");
        }

        using (session)
        {
            return session.External is { } key
                ? await new ExternalRenewal(this, secrets, key).RunAsync(db, token, oath, pin, actor, cancel)
                : await OnKeyAsync(db, token, oath, session.Card, actor, cancel);
        }
    }

    private async Task<RenewalOutcome> OnKeyAsync(
        OathDbContext db, Token token, OathDecision oath, ISmartCardConnection card, AuditEvent actor, CancellationToken cancel)
    {
        PendingSeed? pending = null;
        try
        {
            if (CuidReading.Offered(card).All(c => c.Text != token.Cuid))
            {
                return OtherKey(token);
            }

            var name = ProvisioningPlan.OathNameOf(oath, token, token.Person?.Name);
            if (oath.Slot is null && !OathApplication.Select(card).List().Any(c => c.Name == name))
            {
                return new RenewalOutcome.Refused($"The key carries no OATH credential {name}.", "Provision the key again. Nothing was written.");
            }

            pending = await StageAsync(db, token, actor, cancel);
            Write(card, token, oath, name, pending);
            if (oath.Slot is { } slot)
            {
                return new RenewalOutcome.Pending(pending.Generation, token.Cuid!,
                    $"Touch the key (slot {slot}) and use the code: the first one of the new seed switches.");
            }

            var code = token.Type == TokenType.Hotp
                ? OathApplication.Select(card).CalculateHotp(name)
                : OathApplication.Select(card).CalculateTotp(name, Oath.Totp.StepAt(time.GetUtcNow(), token.TimeStep));
            return await SwitchAsync(token, pending, code ?? "", cancel);
        }
        catch (SmartCardException fault) when (pending is not null)
        {
            return Unsure(token, pending, fault);
        }
        catch (SmartCardException fault)
        {
            return new RenewalOutcome.Refused(fault.Message, "Nothing was written to the key.");
        }
    }

    /// <summary>The first code of the new seed, over the way relying parties use.</summary>
    internal async Task<RenewalOutcome> SwitchAsync(Token token, PendingSeed pending, string code, CancellationToken cancel)
    {
        var attempt = await validator.ValidateSerialAsync(token.Serial, code, apiKeyId: 0, realms: null, cancel);
        return attempt.Outcome == Outcome.Accepted
            ? new RenewalOutcome.Switched(pending.Generation, token.Cuid!)
            : new RenewalOutcome.Pending(pending.Generation, token.Cuid!, $"The first code was not accepted ({attempt.Outcome}). Send the same request again.");
    }

    internal static RenewalOutcome.Refused OtherKey(Token token) => new(
        $"This is not key {token.Cuid}, which carries token {token.Serial}.", "Insert that very key. Nothing was written.");

    internal static RenewalOutcome.Pending Unsure(Token token, PendingSeed pending, SmartCardException fault) => new(pending.Generation, token.Cuid!,
        $"{fault.Message} The key holds the old seed or the new one; both work. Insert it and send the same request again.");

    internal DateTimeOffset Now => time.GetUtcNow();

    internal byte[] SecretOf(Token token, PendingSeed pending) =>
        sealer.Open(pending.SealedSecret, SealedPlace.TokenSecret(token.Serial, pending.Generation));

    private static async Task<RenewalOutcome.Refused?> CheckAsync(OathDbContext db, Token token, CancellationToken cancel)
    {
        if (token.Cuid is not { } cuid)
        {
            return new RenewalOutcome.Refused($"No record says which key carries token {token.Serial}.", "Provision the key; that gives it a seed.");
        }

        if (token.Counter!.State is not (TokenState.Active or TokenState.Imported))
        {
            return new RenewalOutcome.Refused($"Token {token.Serial} is {token.Counter.State.ToString().ToLowerInvariant()}.", "Only a token in use is reseeded.");
        }

        return await db.Jobs.AnyAsync(j => j.OpenCuid == cuid, cancel)
            ? new RenewalOutcome.Refused($"A provisioning job is open on key {cuid}.", "Resume it, or abandon it first.")
            : null;
    }

    private static async Task<KnownProfile?> ProfileAsync(OathDbContext db, Token token, CancellationToken cancel)
    {
        var record = await db.Records.AsNoTracking().SingleAsync(r => r.Cuid == token.Cuid, cancel);
        return record.ProfileName is { } name ? await RolloutProfiles.VersionAsync(db, name, record.ProfileVersion, cancel) : null;
    }

    /// <summary>The seed staged before, or a new one: 160 bits for SHA-1, 256 for the others, from the system's generator.</summary>
    internal async Task<PendingSeed> StageAsync(OathDbContext db, Token token, AuditEvent actor, CancellationToken cancel)
    {
        var generation = token.Counter!.Generation;
        if (await db.PendingSeeds.SingleOrDefaultAsync(p => p.TokenId == token.Id && p.Generation == generation + 1, cancel) is { } staged)
        {
            return staged;
        }

        var secret = RandomNumberGenerator.GetBytes(token.Algorithm == Oath.OathAlgorithm.Sha1 ? 20 : 32);
        var pending = new PendingSeed
        {
            TokenId = token.Id,
            Generation = generation + 1,
            SealedSecret = sealer.Seal(secret, SealedPlace.TokenSecret(token.Serial, generation + 1)),
            StagedBy = actor.Actor,
            StagedAt = time.GetUtcNow(),
        };
        CryptographicOperations.ZeroMemory(secret);
        db.PendingSeeds.Add(pending);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        await db.Counters.Where(c => c.TokenId == token.Id && c.Generation == generation)
            .ExecuteUpdateAsync(c => c.SetProperty(x => x.Flags, x => x.Flags | CounterFlags.ReseedPending), cancel);
        await audit.SaveAsync(db, cancel, actor with
        {
            Action = "token.reseed",
            Outcome = "staged",
            Serial = token.Serial,
            Cuid = token.Cuid,
            Detail = $"generation {pending.Generation}",
        });
        await transaction.CommitAsync(cancel);
        return pending;
    }

    private void Write(ISmartCardConnection card, Token token, OathDecision oath, string name, PendingSeed pending)
    {
        var secret = SecretOf(token, pending);
        try
        {
            if (oath.Slot is { } slot)
            {
                (OtpSlotsApplication.TrySelect(card) ?? throw new SmartCardException("The key's OTP slots cannot be reached through this reader."))
                    .PutHotp(slot, secret, token.Digits, (uint)pending.StartCounter);
                return;
            }

            OathApplication.Select(card).Put(
                new NewOathCredential(name, token.Type == TokenType.Hotp ? OathType.Hotp : OathType.Totp, OathSteps.AlgorithmOf(token), token.Digits,
                    (uint)pending.StartCounter, oath.Touch), secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }
}
