using SecurityKeys.Cards;
using SecurityKeys.External;
using SecurityKeys.Piv;

namespace SecurityKeys.Tests.External;

public sealed class ExternalDriverTests
{
    private static readonly string Sample = Path.Combine(AppContext.BaseDirectory, "external-driver", "enterprise-key.py");
    private static readonly ExternalDriverOptions SampleDriver = new("python3", [Sample]);

    [Fact]
    public async Task The_sample_driver_is_conformant()
    {
        var checks = await ExternalDriverConformance.RunAsync(
            SampleDriver, "000000"u8.ToArray(), TestContext.Current.CancellationToken);

        Assert.Equal(10, checks.Count);
        Assert.All(checks, c => Assert.True(c.Holds, $"{c.Rule}: {c.Detail}"));
    }

    /// <summary>
    /// For authors of drivers: KEYS_EXTERNAL_DRIVER names the program, KEYS_EXTERNAL_PIN a PIN to be spoilt.
    /// </summary>
    [Fact]
    public async Task The_driver_named_by_its_author_is_conformant()
    {
        var words = Environment.GetEnvironmentVariable("KEYS_EXTERNAL_DRIVER")?.Split(' ');
        Assert.SkipWhen(words is null, "KEYS_EXTERNAL_DRIVER names no driver");
        var pin = Environment.GetEnvironmentVariable("KEYS_EXTERNAL_PIN") ?? "";

        var checks = await ExternalDriverConformance.RunAsync(new ExternalDriverOptions(words![0], words[1..]),
            System.Text.Encoding.UTF8.GetBytes(pin), TestContext.Current.CancellationToken);

        Assert.All(checks, c => Assert.True(c.Holds, $"{c.Rule}: {c.Detail}"));
    }

    [Fact]
    public async Task A_key_is_provisioned_by_a_script_with_a_PUK_of_16_digits_and_a_forced_PIN_change()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var driver = await ExternalKeyDriver.StartAsync(SampleDriver, cancel);
        var reader = Assert.Single(await driver.ListAsync(cancel));
        Assert.Equal(new ExternalKeyProperties(false, false, 5), await driver.ReadPropertiesAsync(reader, cancel));
        Assert.Equal("4790A1B2C3D4E5F60718", (await driver.ReadCuidAsync(reader, cancel)).Text);
        Assert.True(driver.Info.Profile.Puk.Allows("1234567890123456"u8));
        Assert.False(driver.Info.Profile.Puk.Allows("12345678"u8));

        var pin = "000000"u8.ToArray();
        Assert.Equal(new PinVerdict(PinOutcome.Wrong, 4),
            await driver.PutPukAsync(reader, "111111"u8.ToArray(), "1234567890123456"u8.ToArray(), cancel));
        Assert.True((await driver.PutPukAsync(reader, pin, "1234567890123456"u8.ToArray(), cancel)).Accepted);
        Assert.True((await driver.ForcePinChangeAsync(reader, pin, cancel)).Accepted);

        Assert.Equal(new ExternalKeyProperties(true, true, 5), await driver.ReadPropertiesAsync(reader, cancel));
    }

    [Fact]
    public async Task A_message_that_quotes_a_PIN_is_passed_on_without_it()
    {
        const string Script = """
            read line; echo '{"id":1,"ok":true,"protocol":1,"name":"x","operations":[],"rules":{"pin":{"min":4,"max":8,"alphabet":"0123456789"},"puk":{"min":4,"max":8,"alphabet":"0123456789"}}}'
            read line; echo '{"id":2,"ok":false,"error":"refused","message":"pin 271828 is too weak"}'
            """;
        await using var driver = await ExternalKeyDriver.StartAsync(
            new ExternalDriverOptions("sh", ["-c", Script]), TestContext.Current.CancellationToken);

        var refusal = await Assert.ThrowsAsync<ExternalDriverException>(() => driver.ChangePinAsync(
            "r", "000000"u8.ToArray(), "271828"u8.ToArray(), TestContext.Current.CancellationToken));

        Assert.Contains("pin … is too weak", refusal.Message, StringComparison.Ordinal);
        Assert.False(driver.IsBroken);
    }

    [Theory]
    [InlineData("read line; echo not json", "not JSON")]
    [InlineData("read line; echo '[]'", "not an object")]
    [InlineData("read line; echo '{\"id\":9,\"ok\":true}'", "another request")]
    [InlineData("read line; head -c 200000 /dev/zero | tr '\\0' x", "too long")]
    [InlineData("true", "ended in the middle")]
    [InlineData("sleep 60", "in time")]
    public async Task A_driver_that_breaks_the_protocol_is_a_clear_exception(string script, string because)
    {
        var options = new ExternalDriverOptions("sh", ["-c", script]) { AnswerTimeout = TimeSpan.FromSeconds(2) };

        var fault = await Assert.ThrowsAnyAsync<SmartCardException>(
            () => ExternalKeyDriver.StartAsync(options, TestContext.Current.CancellationToken));

        Assert.Contains(because, fault.Message);
    }
}
