using System.Security.Cryptography;
using OathServer.Secrets;
using OathServer.Storage;
using SecurityKeys.Piv;

namespace OathServer.Provisioning.Steps;

/// <summary>The secrets a key gets, and those a record says it has. Whoever takes one clears it.</summary>
internal sealed class KeySecrets(Sealer sealer, ServerSecrets secrets)
{
    /// <summary>A new PUK by the profile's strategy.</summary>
    public async Task<MadePuk> MakePukAsync(
        OathDbContext db, KnownProfile profile, string cuid, string? batch, CancellationToken cancel)
    {
        var puk = profile.Decisions.Puk;
        switch (puk.Strategy)
        {
            case PukStrategy.Derived:
                {
                    var (version, master) = await secrets.CurrentAsync(db, ServerSecrets.PukMaster, cancel);
                    var made = PukDerivation.Derive(master, version, profile.Name, cuid, puk.Digits);
                    CryptographicOperations.ZeroMemory(master);
                    return made;
                }

            case PukStrategy.Batch:
                {
                    // The batch's own random secret, reduced to digits: the same for every key of the batch.
                    var (version, value) = await secrets.CurrentAsync(db, BatchPurpose(batch), cancel);
                    var made = PukDerivation.Derive(value, version, profile.Name, cuid: "", puk.Digits);
                    CryptographicOperations.ZeroMemory(value);
                    return made with { MasterVersion = 0, Attempt = 0 };
                }

            default:
                return new MadePuk(SecretDigits.Random(puk.Digits), 0, 0);
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
                        master, record.PukMasterVersion, record.PukProfile!, record.Cuid, record.PukDigits, record.PukAttempt);
                    CryptographicOperations.ZeroMemory(master);
                    return puk;
                }

            default:
                return sealer.Open(record.SealedPuk!, SealedPlace.RecordPuk(record.Cuid));
        }
    }

    public byte[]? ManagementKeyOf(KeyRecord record) => record.SealedManagementKey is { } blob
        ? sealer.Open(blob, SealedPlace.RecordManagementKey(record.Cuid))
        : null;

    /// <summary>The OATH secret of a token; its counter row must be included.</summary>
    public byte[] OathSecretOf(Token token) =>
        sealer.Open(token.SealedSecret, SealedPlace.TokenSecret(token.Serial, token.Counter!.Generation));

    /// <summary>Puts the PUK of a finished step into the record.</summary>
    public void KeepPuk(KeyRecord record, ProvisioningStep step, byte[] puk, KnownProfile profile)
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
        record.PukSetAt = step.ChangedAt;
        record.PukKnownToPerson = false;
    }

    public void KeepPin(KeyRecord record, byte[] pin) => record.SealedPin = sealer.Seal(pin, SealedPlace.RecordPin(record.Cuid));

    public void KeepManagementKey(KeyRecord record, byte[] key) =>
        record.SealedManagementKey = sealer.Seal(key, SealedPlace.RecordManagementKey(record.Cuid));

    /// <summary>A management key of the right length, random.</summary>
    public static byte[] MakeManagementKey(ManagementKeyAlgorithm algorithm) => RandomNumberGenerator.GetBytes(algorithm.KeyLength());

    private static string BatchPurpose(string? batch) => "puk-batch/" + batch;
}
