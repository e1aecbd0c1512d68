using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Audit;
using OathServer.Provisioning.Steps;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Cards;
using SecurityKeys.External;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Proof;

/// <summary>What a drill found at one key. The outcome is <c>worked</c>, <c>refused</c> or <c>not-tried</c>.</summary>
public sealed record DrillLine(string Reader, string? Cuid, string Outcome, string? Why);

/// <summary>
/// Proves on real keys that escrowed PUKs unblock: RESET RETRY COUNTER with the PUK on record sets the very initial PIN
/// that is on record, so a key that passes is as before. Only keys not handed out yet are taken; a PUK that is refused
/// costs one try, never the last, and puts the key in doubt. A key that a program drives is drilled by its
/// <c>pin-unblock</c>, where it has one.
/// </summary>
internal sealed class Drill(KeyReaders readers, KeySecrets secrets, Sealer sealer, AuditTrail audit, TimeProvider time)
{
    public async Task<DrillLine> RunAsync(OathDbContext db, string reader, AuditEvent actor, CancellationToken cancel)
    {
        try
        {
            using var session = await readers.OpenAsync(reader, cancel);
            return session is null
                ? new DrillLine(reader, null, "not-tried", "Another request is at this key.")
                : await OnKeyAsync(db, reader, session, actor, cancel);
        }
        catch (SmartCardException fault)
        {
            return new DrillLine(reader, null, "not-tried", fault.Message);
        }
    }

    private async Task<DrillLine> OnKeyAsync(
        OathDbContext db, string reader, ReaderSession session, AuditEvent actor, CancellationToken cancel)
    {
        var offered = await session.OfferedAsync(cancel);
        var texts = offered.Select(c => c.Text).ToList();
        var record = KeyIdentity.RecordOf(await db.Records.Where(r => texts.Contains(r.Cuid)).ToListAsync(cancel), offered);
        var cuid = record?.Cuid ?? texts.FirstOrDefault();
        if (record is not { Status: KeyStatus.ReadyForHandout, SealedPin: { } blob })
        {
            return new DrillLine(reader, cuid, "not-tried", "Only a key that is ready for handout and whose initial PIN was not shown yet is drilled.");
        }

        if (WhyNot(session) is { } why)
        {
            return new DrillLine(reader, cuid, "not-tried", why);
        }

        var puk = await secrets.PukOfAsync(db, record, cancel);
        var pin = sealer.Open(blob, SealedPlace.RecordPin(record.Cuid));
        try
        {
            var worked = puk is not null && (session.External is { } key
                ? await UnblocksAsync(key, record, puk, pin, cancel) : Unblocks(PivApplication.Select(session.Card), puk, pin));
            record.PukDrilledAt = worked ? time.GetUtcNow() : record.PukDrilledAt;
            record.Status = worked ? record.Status : KeyStatus.InDoubt;
            record.UpdatedAt = time.GetUtcNow();
            await audit.SaveAsync(db, cancel, actor with { Action = "puk.drill", Outcome = worked ? "worked" : "refused", Cuid = record.Cuid });
            return new DrillLine(reader, cuid, worked ? "worked" : "refused", worked ? null : "The key refused the PUK on record; it is in doubt now.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(puk);
            CryptographicOperations.ZeroMemory(pin);
        }
    }

    /// <summary>What keeps this key from being drilled; null when nothing does.</summary>
    private static string? WhyNot(ReaderSession session) => session.External is { } key
        ? key.Offers("pin-unblock") ? null
            : $"{key.Info.Name} has no pin-unblock: whether this PUK unblocks can only be tried with its maker's tool."
        : PivApplication.Select(session.Card).ReadPukMetadata() is { TriesLeft: <= 1 } ? "The PUK has one try left." : null;

    private static bool Unblocks(PivApplication piv, byte[] puk, byte[] pin) => piv.UnblockPin(puk, pin).Accepted && piv.VerifyPin(pin).Accepted;

    /// <summary>The PIN is proven by putting the PUK once more, where the key does not insist on a new one first; that it
    /// insists is set again if unblocking took it away.</summary>
    private static async Task<bool> UnblocksAsync(ExternalKey key, KeyRecord record, byte[] puk, byte[] pin, CancellationToken cancel)
    {
        if (!(await key.UnblockPinAsync(puk, pin, cancel)).Accepted)
        {
            return false;
        }

        var isForced = (await key.ReadPropertiesAsync(cancel)).ForcePinChange == true;
        if (!isForced && !(await key.PutPukAsync(pin, puk, cancel)).Accepted)
        {
            return false;
        }

        return isForced || record.PinMethod != PinMethod.ForcedChange || (await key.ForcePinChangeAsync(pin, cancel)).Accepted;
    }
}
