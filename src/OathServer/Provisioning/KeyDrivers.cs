using SecurityKeys.Cards;
using SecurityKeys.External;

namespace OathServer.Provisioning;

/// <summary>A program of the operator's that drives keys of another make (docs/keys.md).</summary>
internal sealed record KeyDriverSettings(string Name, ExternalDriverOptions Options)
{
    private const int AnswerSecondsMax = 600;

    /// <summary>Those of <c>KeyDrivers:0</c>, <c>KeyDrivers:1</c> and so on.</summary>
    /// <exception cref="InvalidOperationException">One is not usable; the message says which and why.</exception>
    public static List<KeyDriverSettings> ReadFrom(IConfiguration configuration)
    {
        var all = configuration.GetSection("KeyDrivers").GetChildren().Select(Read).ToList();
        return all.DistinctBy(d => d.Name).Count() == all.Count ? all : throw new InvalidOperationException("Two of KeyDrivers have one name.");
    }

    private static KeyDriverSettings Read(IConfigurationSection section)
    {
        var program = section["Program"];
        var name = section["Name"];
        if (string.IsNullOrWhiteSpace(program) || string.IsNullOrWhiteSpace(name))
        {
            throw new InvalidOperationException($"{section.Path} needs a Name and a Program.");
        }

        var seconds = section.GetValue("AnswerSeconds", 30);
        if (seconds is < 1 or > AnswerSecondsMax)
        {
            throw new InvalidOperationException($"{section.Path}:AnswerSeconds is {seconds}; it must be 1 to {AnswerSecondsMax}.");
        }

        var arguments = section.GetSection("Arguments").GetChildren().Select(a => a.Value ?? "").ToList();
        return new KeyDriverSettings(name, new ExternalDriverOptions(program, arguments) { AnswerTimeout = TimeSpan.FromSeconds(seconds) });
    }
}

/// <summary>The drivers of other makes: each started when it is first asked, kept, and started again after it failed. A
/// reader is called <c>driver: reader</c>, so that two drivers may use one name.</summary>
internal sealed class KeyDrivers(IReadOnlyList<KeyDriverSettings> settings) : IAsyncDisposable
{
    public const string Kind = "driver";

    /// <summary>A driver that could not be started is left alone for so long, and not started at every look.</summary>
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, ExternalKeyDriver> running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (long At, string Why)> failed = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim starting = new(1, 1);

    /// <summary>Readers that hold a key. A driver that cannot be started or breaks the protocol has none.</summary>
    public async Task<IReadOnlyList<KnownReader>> ListAsync(CancellationToken cancel)
    {
        var all = new List<KnownReader>();
        foreach (var driver in settings)
        {
            try
            {
                var readers = await (await StartedAsync(driver, cancel)).ListAsync(cancel);
                all.AddRange(readers.Select(r => new KnownReader(NameOf(driver, r), Kind, HasKey: true)));
            }
            catch (SmartCardException)
            {
                // As with a smart-card service that is not there: what can be used is listed.
            }
        }

        return all;
    }

    /// <summary>The key behind a reader's name; null when the name is none of a driver's.</summary>
    /// <exception cref="SmartCardException">The driver cannot be started.</exception>
    public async Task<ExternalKey?> FindAsync(string reader, CancellationToken cancel) =>
        settings.FirstOrDefault(d => reader.StartsWith(NameOf(d, ""), StringComparison.Ordinal)) is { } driver
            ? new ExternalKey(await StartedAsync(driver, cancel), reader[NameOf(driver, "").Length..])
            : null;

    public async ValueTask DisposeAsync()
    {
        foreach (var driver in running.Values)
        {
            await driver.DisposeAsync();
        }

        running.Clear();
        starting.Dispose();
    }

    private static string NameOf(KeyDriverSettings driver, string reader) => $"{driver.Name}: {reader}";

    private async Task<ExternalKeyDriver> StartedAsync(KeyDriverSettings driver, CancellationToken cancel)
    {
        await starting.WaitAsync(cancel);
        try
        {
            if (running.TryGetValue(driver.Name, out var known))
            {
                if (!known.IsBroken)
                {
                    return known;
                }

                running.Remove(driver.Name);
                await known.DisposeAsync();
            }

            if (failed.TryGetValue(driver.Name, out var last) && TimeProvider.System.GetElapsedTime(last.At) < RestAfterFailure)
            {
                throw new SmartCardException(last.Why);
            }

            failed.Remove(driver.Name);
            return running[driver.Name] = await ExternalKeyDriver.StartAsync(driver.Options, cancel);
        }
        catch (SmartCardException fault)
        {
            failed.TryAdd(driver.Name, (TimeProvider.System.GetTimestamp(), fault.Message));
            throw;
        }
        finally
        {
            starting.Release();
        }
    }
}
