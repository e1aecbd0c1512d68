using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OathServer.Storage;

// The runtime looks for exactly this name (DOTNET_STARTUP_HOOKS). It lives in the test's assembly, so nothing of it is
// in the server that is shipped.
#pragma warning disable CA1050

/// <summary>
/// Weakens a server from outside: once it has proven that its connections are durable, the writer's is set to
/// <c>synchronous=NORMAL</c>. Or, with <see cref="ClockFile"/> set, gives it a clock that jumps. There is no setting of the
/// server's own that could.
/// </summary>
internal static class StartupHook
{
    /// <summary>Says that the hook has done it.</summary>
    public const string Marker = "the writer's connection no longer syncs";

    /// <summary>Names the file that says how many seconds the server's clock is off; the server is not weakened then.</summary>
    public const string ClockFile = "OATHSERVER_FAULT_CLOCK";

    public static void Initialize() => DiagnosticListener.AllListeners.Subscribe(new Hosts());

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "connection")]
    private static extern ref SqliteConnection ConnectionOf(SqliteCounterStore store);

    private static void Weaken(IServiceProvider services)
    {
        var store = (SqliteCounterStore)services.GetRequiredService<ICounterStore>();
        using var command = ConnectionOf(store).CreateCommand();
        command.CommandText = "PRAGMA synchronous = NORMAL";
        command.ExecuteNonQuery();
        Console.WriteLine(Marker);
    }

    /// <summary>The real time and so many seconds more or less, as the file says at each look.</summary>
    private sealed class JumpingClock(string file) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() =>
            base.GetUtcNow().AddSeconds(long.Parse(File.ReadAllText(file), CultureInfo.InvariantCulture));
    }

    private sealed class Hosts : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
            {
                value.Subscribe(this);
            }
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (Environment.GetEnvironmentVariable(ClockFile) is { } clock)
            {
                (value.Value as IHostBuilder)?.ConfigureServices(services => services.AddSingleton<TimeProvider>(new JumpingClock(clock)));
            }
            else if (value is { Key: "HostBuilt", Value: IHost host })
            {
                host.Services.GetRequiredService<IHostApplicationLifetime>()
                    .ApplicationStarted.Register(() => Weaken(host.Services));
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
