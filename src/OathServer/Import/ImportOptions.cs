using System.Security.Cryptography.X509Certificates;
using Oath;
using OathServer.Import.Formats;
using OathServer.Validation;
using Pskc;

namespace OathServer.Import;

/// <summary>What becomes of a key whose secret is short or published.</summary>
internal enum WeakSecrets
{
    /// <summary>It is imported, and the report says so.</summary>
    Warn,

    /// <summary>It is refused, and with it the file unless it is imported in part.</summary>
    Refuse,
}

/// <summary>How a seed file is imported. What weakens a check is off unless named here.</summary>
internal sealed record ImportOptions
{
    /// <summary>What opens a PSKC file's encrypted values; the caller keeps and disposes it.</summary>
    public KeySource? Key { get; init; }

    /// <summary>The MAC key of a PSKC file that only refers to it.</summary>
    public ReadOnlyMemory<byte> MacKey { get; init; }

    /// <summary>Report what would happen, and change nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Import the keys that can be, and refuse the others one by one; otherwise one refused key refuses the file.</summary>
    public bool Partial { get; init; }

    public string? Batch { get; init; }

    public string Realm { get; init; } = ValidateEndpoint.DefaultRealm;

    /// <summary>What the file is; null recognises it by its content.</summary>
    public SeedFormat? Format { get; init; }

    /// <summary>The server the file comes from, when the operator says so.</summary>
    public OldSystem? From { get; init; }

    /// <summary>Which column holds what, for a table that no known format describes.</summary>
    public ColumnMap? Columns { get; init; }

    /// <summary>How secrets are written, where the format leaves it open.</summary>
    public SecretEncoding? Encoding { get; init; }

    /// <summary>Digits of a code, where the file does not say; 6 when null.</summary>
    public int? Digits { get; init; }

    /// <summary>The hash of a text file's tokens, where the file does not say; SHA-1 when null.</summary>
    public OathAlgorithm? Algorithm { get; init; }

    public MacPolicy MacPolicy { get; init; }

    public WeakSecrets Weak { get; init; }

    /// <summary>Who gets which key; wins over the file.</summary>
    public OwnerList? Owners { get; init; }

    /// <summary>Leave the owners named in the file aside.</summary>
    public bool IgnoreOwners { get; init; }

    /// <summary>How an encrypted integer that could be two numbers is read.</summary>
    public IntegerReading IntegerReading { get; init; }

    /// <summary>Certificates of who may sign; when given, the file must be signed.</summary>
    public X509Certificate2Collection? TrustAnchors { get; init; }

    /// <summary>RSA PKCS#1 v1.5 is a padding oracle wherever replies can be counted: for the command line only.</summary>
    public bool AllowRsa15 { get; init; }

    /// <summary>Octets of the file, when known; for progress.</summary>
    public long? Length { get; init; }

    /// <summary>Most octets a file may have.</summary>
    public long LengthMax { get; init; } = Operations.Limits.ImportMax;

    /// <summary>Told from the importing thread, at most once in a thousand keys.</summary>
    public Action<ImportProgress>? Progress { get; init; }
}

/// <summary>Where an import stands.</summary>
/// <param name="Stage">What it is doing.</param>
/// <param name="Keys">Keys done in this stage.</param>
/// <param name="Percent">How much of this stage is done; null when that cannot be told.</param>
public sealed record ImportProgress(ImportStage Stage, int Keys, int? Percent);

/// <summary>What an import is doing. Nothing is in the store before <see cref="Writing"/> has ended.</summary>
public enum ImportStage
{
    /// <summary>The file is read and checked to its end.</summary>
    Reading,

    /// <summary>Its keys are compared with the store.</summary>
    Comparing,

    /// <summary>Their secrets are sealed.</summary>
    Sealing,

    /// <summary>The one transaction is being written.</summary>
    Writing,
}
