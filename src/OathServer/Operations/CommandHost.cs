using OathServer.Storage;

namespace OathServer.Operations;

/// <summary>Runs a command on the store of this machine; what must be put right first is one line, without a stack.</summary>
internal static class CommandHost
{
    public static async Task<int> RunAsync(Func<IServiceProvider, OathDbContext, Task<int>> work, CancellationToken cancel)
    {
        try
        {
            await using var host = await OathHost.OpenStorageAsync(cancel);
            await using var scope = host.Services.CreateAsyncScope();
            return await work(host.Services, scope.ServiceProvider.GetRequiredService<OathDbContext>());
        }
        catch (Exception refusal) when (refusal is InvalidOperationException or IOException or UnauthorizedAccessException or StorageUnavailableException)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return 2;
        }
    }
}
