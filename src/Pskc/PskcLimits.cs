namespace Pskc;

/// <summary>Bounds on what a file may cost to read. Each can be raised by who knows the file.</summary>
public sealed record PskcLimits
{
    /// <summary>The bounds used when none are given.</summary>
    public static PskcLimits Default { get; } = new();

    /// <summary>Octets of the whole file.</summary>
    public long MaxFileBytes { get; init; } = 2L << 30;

    /// <summary>Octets one tag, text, comment or run of white space may take.</summary>
    public int MaxTokenBytes { get; init; } = 1 << 20;

    /// <summary>Characters of one value.</summary>
    public int MaxValueChars { get; init; } = 64 * 1024;

    /// <summary>Nesting of elements.</summary>
    public int MaxDepth { get; init; } = 32;

    /// <summary>Keys in a file.</summary>
    public int MaxKeys { get; init; } = 5_000_000;

    /// <summary>Keys in one key package; RFC 6030 has one, the drafts had more.</summary>
    public int MaxKeysPerPackage { get; init; } = 64;

    /// <summary>Iterations of PBKDF2, asked by the file and paid by the reader. One derivation a file.</summary>
    public int MaxPbkdf2Iterations { get; init; } = 10_000_000;

    /// <summary>Octets of a file read into memory to verify a signature.</summary>
    public int MaxSignedBytes { get; init; } = 64 << 20;

    /// <summary>Warnings kept; beyond it they are only counted.</summary>
    public int MaxWarnings { get; init; } = 1000;
}
