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

        Assert.Equal(11, checks.Count);
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

    /// <summary>The clock is the test's: the first answer comes after two thirds of its time, and so does the second.</summary>
    [Fact]
    public async Task The_time_a_question_waits_for_its_turn_is_not_its_own()
    {
        var folder = Directory.CreateTempSubdirectory("driver-");
        const string Script = """
            read line; echo '{"id":1,"ok":true,"protocol":1,"name":"x","operations":[],"rules":{"pin":{"min":4,"max":8,"alphabet":"0123456789"},"puk":{"min":4,"max":8,"alphabet":"0123456789"}}}'
            for n in 2 3; do read line; touch "$0/asked.$n"; until [ -e "$0/go.$n" ]; do sleep 0.02; done; echo "{\"id\":$n,\"ok\":true,\"cuid\":\"ABCD\"}"; done
            read line
            """;
        var time = new SteppedTime();
        await using (var driver = await ExternalKeyDriver.StartAsync(
            new ExternalDriverOptions("sh", ["-c", Script, folder.FullName]) { Time = time }, TestContext.Current.CancellationToken))
        {
            var first = driver.ReadCuidAsync("r", TestContext.Current.CancellationToken);
            var second = driver.ReadCuidAsync("r", TestContext.Current.CancellationToken);
            foreach (var (n, asked) in new[] { (2, first), (3, second) })
            {
                Judges.PrivatePcscd.WaitUntil(() => File.Exists(Path.Combine(folder.FullName, $"asked.{n}")), "the driver was not asked");
                time.Step(TimeSpan.FromSeconds(20));
                File.Create(Path.Combine(folder.FullName, $"go.{n}")).Dispose();
                Assert.Equal("ABCD", (await asked).Text);
            }
        }

        folder.Delete(recursive: true);
    }

    /// <summary>Time that goes on when it is told to; a timer rings on the step that reaches it.</summary>
    private sealed class SteppedTime : TimeProvider
    {
        private readonly List<Alarm> alarms = [];
        private TimeSpan now;

        public void Step(TimeSpan by)
        {
            List<Alarm> due;
            lock (alarms)
            {
                now += by;
                due = alarms.FindAll(a => a.At <= now);
                alarms.RemoveAll(due.Contains);
            }

            due.ForEach(a => a.Ring());
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var alarm = new Alarm(this, () => callback(state));
            alarm.Change(dueTime, period);
            return alarm;
        }

        private sealed class Alarm(SteppedTime time, Action ring) : ITimer
        {
            public TimeSpan At { get; private set; }

            public void Ring() => ring();

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                lock (time.alarms)
                {
                    time.alarms.Remove(this);
                    if (dueTime >= TimeSpan.Zero)
                    {
                        At = time.now + dueTime;
                        time.alarms.Add(this);
                    }
                }

                return true;
            }

            public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
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
