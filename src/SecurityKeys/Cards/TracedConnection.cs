using System.Buffers.Binary;

namespace SecurityKeys.Cards;

/// <summary>
/// Reports every exchange in hexadecimal, for support. Data is shown only for commands known to carry nothing
/// secret; of every other command and answer only header, length and status are told. An instruction nobody
/// listed is masked, so a new command cannot leak by being forgotten.
/// </summary>
public sealed class TracedConnection(ISmartCardConnection inner, Action<string> write) : ISmartCardConnection
{
    private bool lastWasPublic;

    /// <inheritdoc/>
    public string ReaderName => inner.ReaderName;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> AnswerToReset => inner.AnswerToReset;

    /// <inheritdoc/>
    public byte[] Transmit(ReadOnlySpan<byte> command)
    {
        lastWasPublic = IsPublic(command);
        write("> " + Show(command, Math.Min(4, command.Length), lastWasPublic));
        var answer = inner.Transmit(command);
        var status = answer.Length < 2 ? "----" : $"{BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(^2..)):X4}";
        write($"< {Show(answer.AsSpan(0, Math.Max(0, answer.Length - 2)), 0, lastWasPublic)} {status}");
        return answer;
    }

    /// <inheritdoc/>
    public IDisposable BeginTransaction() => inner.BeginTransaction();

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private bool IsPublic(ReadOnlySpan<byte> command)
    {
        if (command.Length < 4 || command[0] is not (0x00 or 0x80)) return false;
        return command[1] switch
        {
            0xA4 => true,                                    // SELECT
            0xCA => true,                                    // GlobalPlatform GET DATA (CPLC)
            0xF7 or 0xF8 or 0xFD => true,                    // metadata, serial, version
            0x1D => true,                                    // device information
            // PIV GET DATA, but not the printed information, where Yubico's tools keep a protected management key.
            0xCB => !command.EndsWith((ReadOnlySpan<byte>)[0x5F, 0xC1, 0x09])
                && command.IndexOf((ReadOnlySpan<byte>)[0x5F, 0xC1, 0x09]) < 0,
            0xC0 => lastWasPublic,                           // GET RESPONSE goes on with what was asked before
            _ => false,
        };
    }

    private static string Show(ReadOnlySpan<byte> bytes, int header, bool whole) =>
        whole ? Convert.ToHexString(bytes) : $"{Convert.ToHexString(bytes[..header])}[{bytes.Length - header} bytes]";
}
