using Pskc.Xml;

namespace Pskc.Signatures;

/// <summary>
/// A signed container in memory, bounded, so that the octets verified are the octets read. It is first walked by the
/// streaming cursor: a DOM of a hostile file is never built.
/// </summary>
internal static class BufferedContainer
{
    public static MemoryStream Read(Stream stream, PskcLimits limits)
    {
        var buffer = new MemoryStream();
        var chunk = new byte[64 * 1024];
        try
        {
            for (var read = stream.Read(chunk); read > 0; read = stream.Read(chunk))
            {
                if (buffer.Length + read > limits.MaxSignedBytes)
                {
                    throw new PskcException(PskcFault.LimitExceeded, $"A signed file may be {limits.MaxSignedBytes} octets " +
                        "long, for it is held in memory (PskcLimits.MaxSignedBytes).");
                }
                buffer.Write(chunk, 0, read);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new PskcException(PskcFault.Unreadable, $"The file could not be read: {e.Message}", e);
        }
        buffer.Position = 0;
        long start;
        using (var cursor = new XmlCursor(buffer, limits))
        {
            start = cursor.StartOfMarkup;
            cursor.ReadToEnd();
        }
        buffer.Position = start;
        return buffer;
    }
}
