using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>The secrets a key gets, and those a record says it has. Whoever takes one clears it.</summary>
internal sealed class KeySecrets(Sealer sealer, ServerSecrets secrets, TimeProvider time)
{
    /// <summary>A new PUK by the profile's strategy.</summary>
    public async Task<MadePuk> MakePukAsync(
        OathDbContext db, KnownProfile profile, SecretRule rule, KeyRecord record, CancellationToken cancel)
    {
        var puk = profile.Decisions.Puk;
        var length = puk.Digits ?? rule.LengthMax;
        switch (puk.Strategy)
        {
            case PukStrategy.Derived:
                {
                    var (version, master) = await secrets.CurrentAsync(db, ServerSecrets.PukMaster, cancel);
                    var made = PukDerivation.Derive(master, version, profile.Name,
                        PukDerivation.Tagged(record.CuidSource, record.Cuid), length, rule.Alphabet);
                    CryptographicOperations.ZeroMemory(master);
                    return made;
                }

            case PukStrategy.Batch:
                {
                    // The batch's own random secret, reduced to digits: the same for every key of the batch.
                    await RotateBatchAsync(db, puk, record, cancel);
                    var (version, value) = await secrets.CurrentAsync(db, BatchPurpose(record.Batch), cancel);
                    var made = PukDerivation.Derive(value, version, profile.Name, cuid: "", length, rule.Alphabet);
                    CryptographicOperations.ZeroMemory(value);
                    return made with { MasterVersion = 0, Attempt = 0 };
                }

            default:
                return new MadePuk(SecretDigits.Random(length, rule.Alphabet), 0, 0);
        }
    }

    /// <summary>A batch PUK that a person has seen, or that is past its rotation date, is not written to one more key.</summary>
    private async Task RotateBatchAsync(OathDbContext db, PukDecision puk, KeyRecord record, CancellationToken cancel)
    {
        var purpose = BatchPurpose(record.Batch);
        var limit = time.GetUtcNow().AddDays(-puk.RotateAfterDays);
        var newest = await db.ServerSecrets.AsNoTracking().Where(s => s.Purpose == purpose)
            .OrderByDescending(s => s.Version).FirstOrDefaultAsync(cancel);
        var seen = record.PukMethod == PukMethod.Batch && record.PukKnownToPerson && newest?.CreatedAt <= record.PukSetAt;
        if (newest is not null && (seen || newest.CreatedAt <= limit))
        {
            await secrets.RotateAsync(db, purpose, cancel);
        }
    }

    /// <summary>The PUK that the record says is on the key; null when none was set.</summary>
    public async Task<byte[]?> PukOfAsync(OathDbContext db, KeyRecord record, CancellationToken cancel)
    {
        switch (record.PukMethod)
        {
            case PukMethod.NotSet:
                return null;
            case PukMethod.Derived:
                {
                    var master = await secrets.VersionAsync(db, ServerSecrets.PukMaster, record.PukMasterVersion, cancel);
                    var puk = PukDerivation.At(
                        master, record.PukMasterVersion, record.PukProfile!, PukDerivation.Tagged(record.CuidSource, record.Cuid), record.PukDigits, record.PukAttempt,
                        record.PukAlphabet ?? SecretRule.Digits);
                    CryptographicOperations.ZeroMemory(master);
                    return puk;
                }

            default:
                return sealer.Open(record.SealedPuk!, SealedPlace.RecordPuk(record.Cuid));
        }
    }

    /// <summary>The initial PIN of a key that is not handed out yet.</summary>
    public byte[] PinOf(KeyRecord record) => sealer.Open(
        record.SealedPin ?? throw new JobStoppedException("The initial PIN was shown already, so the key may have another by now. Abandon the job and start another."),
        SealedPlace.RecordPin(record.Cuid));

    public byte[]? ManagementKeyOf(KeyRecord record) => record.SealedManagementKey is { } blob
        ? sealer.Open(blob, SealedPlace.RecordManagementKey(record.Cuid))
        : null;

    /// <summary>The OATH secret of a token; its counter row must be included.</summary>
    public byte[] OathSecretOf(Token token) =>
        sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, token.Counter!.Generation));

    /// <summary>Puts the PUK of a finished step into the record.</summary>
    public void KeepPuk(KeyRecord record, ProvisioningStep step, byte[] puk, KnownProfile profile, SecretRule rule)
    {
        record.PukMethod = profile.Decisions.Puk.Strategy switch
        {
            PukStrategy.Derived => PukMethod.Derived,
            PukStrategy.Batch => PukMethod.Batch,
            _ => PukMethod.Random,
        };
        record.SealedPuk = record.PukMethod == PukMethod.Derived ? null : sealer.Seal(puk, SealedPlace.RecordPuk(record.Cuid));
        record.PukMasterVersion = step.MasterVersion;
        record.PukAttempt = step.Attempt;
        record.PukProfile = profile.Name;
        record.PukDigits = puk.Length;
        record.PukAlphabet = rule.Alphabet == SecretRule.Digits ? null : rule.Alphabet;
        record.PukSetAt = step.ChangedAt;
        record.PukKnownToPerson = false;
        record.PukDrilledAt = null;
    }

    public void KeepPin(KeyRecord record, byte[] pin) => record.SealedPin = sealer.Seal(pin, SealedPlace.RecordPin(record.Cuid));

    public void KeepManagementKey(KeyRecord record, byte[] key) =>
        record.SealedManagementKey = sealer.Seal(key, SealedPlace.RecordManagementKey(record.Cuid));

    /// <summary>A management key of the right length, random.</summary>
    public static byte[] MakeManagementKey(ManagementKeyAlgorithm algorithm) => RandomNumberGenerator.GetBytes(algorithm.KeyLength());

    /// <summary>The server secret a batch's PUK is made from.</summary>
    public static string BatchPurpose(string? batch) => "puk-batch/" + batch;
}
