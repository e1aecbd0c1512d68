using OathServer.Keys;
using SecurityKeys;
using SecurityKeys.Virtual;

namespace OathServer.Tests.Keys;

public class KeyWordsTests
{
    [Fact]
    public void A_factory_fresh_key_is_described_with_its_open_gaps_and_no_try_is_spent()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Serial = 4711 });
        using var connection = key.Connect();

        var words = string.Join('\n', KeyWords.Lines(SecurityKeyReport.Read(connection)));

        Assert.Contains("serial        4711", words, StringComparison.Ordinal);
        Assert.Contains("PIV PIN       factory value, 3 tries left", words, StringComparison.Ordinal);
        Assert.Contains("PIV PUK       factory value, 3 tries left", words, StringComparison.Ordinal);
        Assert.Contains("PIV mgmt key  factory value", words, StringComparison.Ordinal);
        Assert.Contains("OATH          no credential", words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_older_key_that_cannot_tell_is_not_guessed_about()
    {
        var key = new VirtualKey(new VirtualKeyOptions { Firmware = new Version(5, 2, 4) });
        using var connection = key.Connect();

        var words = string.Join('\n', KeyWords.Lines(SecurityKeyReport.Read(connection)));
        var json = KeyWords.Json([KeyWords.Of(SecurityKeyReport.Read(connection))]);

        Assert.Contains("PIV PUK       cannot tell whether factory value", words, StringComparison.Ordinal);
        Assert.DoesNotContain("pukIsDefault", json, StringComparison.Ordinal);
    }
}
