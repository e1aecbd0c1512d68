using System.Diagnostics;
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
/// <c>synchronous=NORMAL</c>. There is no setting of the server's own that could.
/// </summary>
internal static class StartupHook
{
    /// <summary>Says that the hook has done it.</summary>
    public const string Marker = "the writer's connection no longer syncs";

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
            if (value is { Key: "HostBuilt", Value: IHost host })
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
