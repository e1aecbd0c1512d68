namespace OathServer.Validation.Elsewhere;

/// <summary>Registers the parallel run with an old server, where one is named.</summary>
internal static class ParallelRunServices
{
    /// <exception cref="InvalidOperationException">A setting of the section <c>ParallelRun</c> cannot be.</exception>
    public static void AddParallelRun(this IServiceCollection services, IConfiguration configuration)
    {
        var policy = configuration.GetSection(ParallelRunPolicy.Section).Get<ParallelRunPolicy>() ?? new ParallelRunPolicy();
        if (string.Join(" ", policy.Faults()) is { Length: > 0 } faults)
        {
            throw new InvalidOperationException(faults);
        }

        services.AddSingleton(policy);
        services.AddSingleton<ElsewhereHash>();
        services.AddSingleton<UsedCodes>();
        services.AddSingleton<ParallelRun>();
        if (!policy.IsOn)
        {
            return;
        }

        if (new Uri(policy.Server!).Scheme == ParallelRunPolicy.RadiusScheme)
        {
            services.AddSingleton<OldServer, OldRadiusServer>();
            return;
        }

        // A redirect would carry a code to somebody nobody named.
        services.AddHttpClient(OldRestServer.Client, client => client.Timeout = Timeout.InfiniteTimeSpan)
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        services.AddLogging(logging => logging.AddFilter("System.Net.Http.HttpClient." + OldRestServer.Client, LogLevel.Warning));
        services.AddSingleton<OldServer, OldRestServer>();
    }
}
