namespace OathServer.Import;

/// <summary>What an import did, key by key.</summary>
/// <param name="Id">The import; absent for a dry run and when nothing was new.</param>
/// <param name="DryRun">Nothing was changed: this is what would happen.</param>
/// <param name="FileName">The file's name as it was sent.</param>
/// <param name="Digest">SHA-256 of the file as it came, upper-case hex.</param>
/// <param name="Format">What the file was recognised as.</param>
/// <param name="Realm">The realm of its tokens.</param>
/// <param name="Batch">The batch of its tokens.</param>
/// <param name="ImportedBy">Who imported it.</param>
/// <param name="ImportedAt">When.</param>
/// <param name="Totals">How many keys went which way.</param>
/// <param name="Warnings">What a person should know about the file as a whole.</param>
/// <param name="Keys">Every key of the file, in its order.</param>
public sealed record ImportReport(
    long? Id, bool DryRun, string FileName, string Digest, string Format, string Realm, string? Batch, string ImportedBy,
    DateTimeOffset ImportedAt, ImportTotals Totals, IReadOnlyList<string> Warnings, IReadOnlyList<ImportedKey> Keys)
{
    /// <summary>What weakened this import and is said on every report of its tokens: that MACs were not checked.</summary>
    public string? Caution { get; init; }
}

/// <summary>How many keys went which way.</summary>
/// <param name="Keys">Keys in the file.</param>
/// <param name="Imported">New tokens.</param>
/// <param name="Unchanged">Already in the store, with the same seed and parameters.</param>
/// <param name="NotEnrolled">Read, but not something this server validates.</param>
/// <param name="Refused">Not imported for a fault; each says why.</param>
/// <param name="Warned">Keys with a warning, whatever became of them.</param>
public sealed record ImportTotals(int Keys, int Imported, int Unchanged, int NotEnrolled, int Refused, int Warned);

/// <summary>What became of one key.</summary>
/// <param name="Serial">The token's serial number; the device's where there is no token.</param>
/// <param name="What">What became of it.</param>
/// <param name="Why">The reason, or what a person should know of it.</param>
/// <param name="Fault">The kind of fault, for a key that was refused.</param>
/// <param name="KeyId">The key's id in the file.</param>
/// <param name="Line">The line of the file it starts on.</param>
/// <param name="Counter">The next counter the server accepts; for a HOTP token.</param>
/// <param name="User">Whom it was given to.</param>
/// <param name="State">The token's state after the import.</param>
public sealed record ImportedKey(
    string Serial, KeyOutcome What, string? Why, string? Fault, string? KeyId, int Line, long? Counter, string? User, string? State);

/// <summary>What became of a key.</summary>
public enum KeyOutcome
{
    /// <summary>It is a new token.</summary>
    Imported,

    /// <summary>It was in the store already, just so.</summary>
    Unchanged,

    /// <summary>It is not something this server validates.</summary>
    NotEnrolled,

    /// <summary>A fault speaks against it.</summary>
    Refused,
}

/// <summary>An import as it is listed.</summary>
public sealed record ImportView(
    long Id, string FileName, string Digest, string Format, string Realm, string? Batch, string ImportedBy, DateTimeOffset ImportedAt,
    int Keys, long Length, string? Caution);
