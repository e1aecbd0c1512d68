namespace Pskc;

/// <summary>Something in a file that was read, but that a person should know of.</summary>
/// <param name="Line">The line of the file, counted from 1.</param>
/// <param name="SerialNo">The serial number of the key package, when it concerns one.</param>
/// <param name="What">What was found and what it means. Never a secret.</param>
public sealed record PskcWarning(int Line, string? SerialNo, string What)
{
    /// <inheritdoc/>
    public override string ToString() => PskcException.Place(Line, SerialNo, null) + What;
}
