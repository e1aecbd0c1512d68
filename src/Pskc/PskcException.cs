namespace Pskc;

/// <summary>
/// The one exception that leaves this library for a file that cannot be used. Its message says what is wrong, where,
/// and what to do next, and never holds a secret.
/// </summary>
public sealed class PskcException : Exception
{
    /// <summary>A fault with no place in a file.</summary>
    public PskcException(PskcFault fault, string message, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        What = message;
    }

    internal PskcException(
        PskcFault fault, int line, string? serialNo, string? keyId, string what, Exception? inner = null)
        : base(Place(line, serialNo, keyId) + what, inner)
    {
        Fault = fault;
        Line = line;
        SerialNo = serialNo;
        KeyId = keyId;
        What = what;
    }

    /// <summary>A fault at a line; the reader adds whose key it is.</summary>
    internal static PskcException At(PskcFault fault, int line, string what, Exception? inner = null) =>
        new(fault, line, serialNo: null, keyId: null, what, inner);

    /// <summary>The kind of fault.</summary>
    public PskcFault Fault { get; }

    /// <summary>The line of the file, counted from 1; 0 when it has no place there.</summary>
    public int Line { get; }

    /// <summary>The serial number of the key package, when known.</summary>
    public string? SerialNo { get; }

    /// <summary>The Id of the key, when known.</summary>
    public string? KeyId { get; }

    /// <summary>The message without its place.</summary>
    internal string What { get; }

    internal static string Place(int line, string? serialNo, string? keyId)
    {
        var place = line > 0 ? $"line {line}" : "";
        if (serialNo is not null)
        {
            place += (place.Length > 0 ? ", " : "") + $"serial {Printable(serialNo)}";
        }
        if (keyId is not null && keyId != serialNo)
        {
            place += (place.Length > 0 ? ", " : "") + $"key {Printable(keyId)}";
        }
        return place.Length > 0 ? place + ": " : "";
    }

    /// <summary>Text of a file made safe for a terminal and a log: bounded, no control characters.</summary>
    internal static string Printable(string text)
    {
        var shown = text.Length > 64 ? text[..64] + "…" : text;
        return string.Create(shown.Length, shown, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? '?' : source[i];
            }
        });
    }
}
