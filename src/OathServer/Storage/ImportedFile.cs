namespace OathServer.Storage;

/// <summary>A seed file that was imported: by its digest each token says which file it came from.</summary>
internal sealed class ImportedFile
{
    public long Id { get; set; }

    /// <summary>SHA-256 of the file as it came, upper-case hex.</summary>
    public required string Digest { get; set; }

    public required string FileName { get; set; }

    /// <summary>What the file was recognised as, e.g. <c>PSKC 1.0</c>.</summary>
    public required string Format { get; set; }

    public required string ImportedBy { get; set; }

    public DateTimeOffset ImportedAt { get; set; }

    /// <summary>How many keys of it became tokens.</summary>
    public int Keys { get; set; }

    /// <summary>Octets of the file as it came.</summary>
    public long Length { get; set; }

    public required string Realm { get; set; }

    /// <summary>The report as JSON, without the keys that were imported: they say so themselves. Never a secret.</summary>
    public required string Report { get; set; }

    public string? Batch { get; set; }

    /// <summary>What weakened the import and must stay in sight: that its MACs were not checked. Null as a rule.</summary>
    public string? Caution { get; set; }
}
