namespace OathServer.Validation.Pins;

/// <summary>Base64 without padding, as password hashes are written.</summary>
internal static class PasslibBase64
{
    /// <summary>Null when it is none. <c>.</c> stands for <c>+</c>.</summary>
    public static byte[]? Decode(string text)
    {
        var buffer = new byte[text.Length];
        return Convert.TryFromBase64String(text.Replace('.', '+') + new string('=', (4 - (text.Length % 4)) % 4), buffer, out var count) ? buffer[..count] : null;
    }
}
