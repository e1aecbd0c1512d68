using SecurityKeys.OathApplet;
using SecurityKeys.Virtual;

namespace SecurityKeys.Tests.Judges;

internal static class Filling
{
    /// <summary>Puts one more credential on the key, as its owner's earlier ones.</summary>
    public static void Fill(this VirtualKey key, string name)
    {
        using var line = key.Connect();
        OathApplication.Select(line).Put(
            new NewOathCredential(name, OathType.Hotp, OathAlgorithm.Sha1, 6), "12345678901234567890"u8);
    }
}
