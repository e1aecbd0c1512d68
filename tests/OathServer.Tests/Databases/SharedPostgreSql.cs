using OathServer.Tests.Databases;

[assembly: AssemblyFixture(typeof(SharedPostgreSql))]

namespace OathServer.Tests.Databases;

/// <summary>One cluster for all tests of this run, started by the first that needs it.</summary>
public sealed class SharedPostgreSql : IAsyncDisposable
{
    private static readonly Lock Turn = new();
    private static Task<PostgreSqlServer>? server;

    internal static Task<PostgreSqlServer> Server()
    {
        lock (Turn)
        {
            return server ??= PostgreSqlServer.StartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await (await server).DisposeAsync();
        }
    }
}
